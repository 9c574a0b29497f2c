import type { Fields } from "./hpack/decoder.js";

/** A request's header list, checked (RFC 9113, sections 8.2 and 8.3.1). */
export interface RequestHeaders {
  readonly method: string;
  readonly scheme: string;
  readonly path: string;
  /** "" if the client sent none. */
  readonly authority: string;
  /** Bytes of the body as content-length says. Undefined: the client has not sent it. */
  readonly contentLength: number | undefined;
  /** The regular fields: name, value, name, value, and so on. */
  readonly fields: Fields;
}

/** A malformed request. Its stream is ended with PROTOCOL_ERROR (section 8.1.1). */
export class MalformedRequest extends Error {
  override readonly name = "MalformedRequest";
}

/** The value of the first field with this name. */
export function fieldOf({ fields }: Pick<RequestHeaders, "fields">, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

const fieldName = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const badValue = /[\0\r\n]|^[ \t]|[ \t]$/;
/** Fields that belong to HTTP/1.1 connections (8.2.2). */
const ofConnections = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/**
 * Checks a request's header list and reads its pseudo-header fields.
 * @throws MalformedRequest
 */
export function requestHeadersOf(all: Fields): RequestHeaders {
  const pseudo: Record<string, string | undefined> = {};
  const fields: Fields = [];
  let contentLength: number | undefined;
  for (let i = 0; i < all.length; i += 2) {
    const name = all[i] as string;
    const value = all[i + 1] as string;
    if (name.startsWith(":")) {
      takePseudo(pseudo, name, value, fields.length > 0);
      continue;
    }
    checkField(name, value);
    if (name === "content-length") contentLength = lengthOf(value, contentLength);
    fields.push(name, value);
  }
  const { ":method": method, ":scheme": scheme, ":path": path, ":authority": authority = "" } = pseudo;
  if (!method || !scheme || !path) throw new MalformedRequest("a request needs :method, :scheme and :path");
  return { method, scheme, path, authority, contentLength, fields };
}

/**
 * Checks a request's trailers.
 * @throws MalformedRequest
 */
export function checkTrailers(fields: Fields): void {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name.startsWith(":")) throw new MalformedRequest(`${name} in the trailers`);
    checkField(name, fields[i + 1] as string);
  }
}

const pseudoNames = new Set([":method", ":scheme", ":path", ":authority"]);

function takePseudo(pseudo: Record<string, string | undefined>, name: string, value: string, isLate: boolean): void {
  if (!pseudoNames.has(name)) throw new MalformedRequest(`a request has no ${quoted(name)}`);
  if (isLate) throw new MalformedRequest(`${name} stands after a regular field`);
  if (pseudo[name] !== undefined) throw new MalformedRequest(`${name} stands twice`);
  if (badValue.test(value)) throw new MalformedRequest(`${name} has a character that is not allowed`);
  pseudo[name] = value;
}

function checkField(name: string, value: string): void {
  if (!fieldName.test(name)) throw new MalformedRequest(`${quoted(name)} is not the name of a field`);
  if (badValue.test(value)) throw new MalformedRequest(`${name} has a character that is not allowed`);
  if (ofConnections.has(name)) throw new MalformedRequest(`${name} is not allowed in HTTP/2`);
  if (name === "te" && value !== "trailers") throw new MalformedRequest("te may only be trailers");
}

function lengthOf(value: string, before: number | undefined): number {
  const length = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  if (length === undefined || (before !== undefined && before !== length))
    throw new MalformedRequest("content-length is not one number");
  return length;
}

const quoted = (name: string) => JSON.stringify(name.slice(0, 100));
