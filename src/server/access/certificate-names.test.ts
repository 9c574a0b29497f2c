import { X509Certificate } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import { describe, expect, it } from "vitest";
import { type CertificateContents, selfSigned } from "../../../test/e2e/certificate.js";
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

  it("never are its common name, also where there is no other", () => {
    for (const commonName of ["edge-1", "spiffe://td/edge-1"])
      expect(namesOf({ dnsNames: [], commonName })).toEqual([]);
  });

  it("are of no other kind", () => {
    const subjectaltname =
      "IP Address:10.0.0.1, email:a@b.example, DirName:CN = edge-1, Registered ID:1.2.3, othername:<unsupported>";
    expect(certificateNames({ raw: Buffer.of(0), subjectaltname } as PeerCertificate)).toEqual([]);
    expect(namesOf({ dnsNames: [], uris: ["spiffe://td/é", "spiffe://td/a\u0000b"] })).toEqual([]);
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
