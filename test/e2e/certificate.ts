import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** In PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says of whom it is for, and when; times in milliseconds since 1970. */
export interface CertificateContents {
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly commonName?: string;
  readonly from?: number;
  readonly to?: number;
  /** Of its key; one that Envoy takes by default. */
  readonly curve?: string;
}

const day = 86_400_000;

/**
 * A new self-signed certificate, by default for `localhost`, valid from yesterday on for 90 days. Node can read X.509
 * but not write it.
 */
export function selfSigned({
  uris = [],
  dnsNames = ["localhost"],
  commonName = "localhost",
  from = Date.now() - day,
  to = Date.now() + 90 * day,
  curve = "P-256",
}: CertificateContents = {}): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
  const signature = der(0x30, oid("2a8648ce3d040302")); // ecdsa-with-SHA256
  const subject = der(0x30, der(0x31, der(0x30, oid("550403"), der(0x0c, Buffer.from(commonName))))); // commonName
  const altNames = der(
    0x30,
    ...dnsNames.map((name) => der(0x82, Buffer.from(name))), // dNSName
    ...uris.map((name) => der(0x86, Buffer.from(name))), // uniformResourceIdentifier
  );
  const altNamesExtension = der(0x30, oid("551d11"), der(0x04, altNames)); // subjectAltName
  const hasAltNames = dnsNames.length + uris.length > 0;
  const serial = Buffer.concat([Buffer.of(1), randomBytes(8)]);
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, serial),
    signature,
    subject,
    der(0x30, time(from), time(to)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    ...(hasAltNames ? [der(0xa3, der(0x30, altNamesExtension))] : []),
  );
  const signed = der(0x03, Buffer.of(0), sign("sha256", body, privateKey));
  // An empty line before the last one would be a fault.
  const pem = der(0x30, body, signature, signed)
    .toString("base64")
    .replace(/.{64}(?!$)/g, "$&\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** One value in DER: tag, length, content. */
function der(tag: number, ...content: Uint8Array[]): Buffer {
  const { length } = Buffer.concat(content);
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), ...content]);
}

const oid = (hex: string) => der(0x06, Buffer.from(hex, "hex"));

/** UTCTime: YYMMDDhhmmssZ. */
const time = (ms: number) => der(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/\D/g, "").slice(2, 14)}Z`));
