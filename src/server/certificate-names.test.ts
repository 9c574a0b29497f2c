import { X509Certificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import { describe, expect, it } from "vitest";
import { type CertificateContents, selfSigned } from "../../test/e2e/certificate.js";
import { certificateNames } from "./certificate-names.js";

const namesOf = (names: CertificateContents) => {
  const { subjectAltName, raw } = new X509Certificate(selfSigned(names).cert);
  const peer = { raw, subjectaltname: subjectAltName, subject: { CN: names.commonName ?? "localhost" } };
  return certificateNames(peer as unknown as PeerCertificate);
};

describe("the names of a client certificate", () => {
  it("are its URIs, then its DNS names, and not its common name", () => {
    const uris = ["spiffe://td/ns/a/sa/b", "spiffe://td/c"];
    expect(namesOf({ dnsNames: ["a.example", "*.b.example"], uris, commonName: "cn" })).toEqual([
      ...uris,
      "a.example",
      "*.b.example",
    ]);
  });

  it("are its common name if there is no other", () => {
    expect(namesOf({ dnsNames: [], commonName: "edge-1" })).toEqual(["edge-1"]);
    expect(namesOf({ dnsNames: [], commonName: "spiffe://td/not-a-uri" })).toEqual([]);
  });

  it("cannot be made up of others by commas, quotation marks and the like", () => {
    expect(namesOf({ dnsNames: ["x, URI:spiffe://td/admin", "b.example"] })).toEqual(["b.example"]);
    expect(namesOf({ dnsNames: ['x", URI:spiffe://td/admin, DNS:"y'] })).toEqual([]);
    expect(namesOf({ dnsNames: ["spiffe://td/admin"] })).toEqual([]);
    expect(namesOf({ dnsNames: [], uris: ["spiffe://td/a,b", "not a URI"] })).toEqual(["spiffe://td/a,b"]);
  });

  it("are none without a certificate", () => {
    expect(certificateNames(undefined)).toEqual([]);
    expect(certificateNames({} as PeerCertificate)).toEqual([]);
  });
});
