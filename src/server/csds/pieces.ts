import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { WireReader } from "../../schema/wire-reader.js";

const tag = new BinaryWriter().tag(1, WireType.LengthDelimited).finish();

/** Packs pieces of an answer into bytes. Bytes that are put behind each other are the pieces of both. */
export function packPieces(pieces: readonly Uint8Array[]): Buffer {
  return Buffer.concat(pieces.flatMap((piece) => [tag, new BinaryWriter().uint32(piece.length).finish(), piece]));
}

/** The pieces of {@link packPieces}. @throws Error for other bytes */
export function unpackPieces(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const reader = new WireReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field !== 1 || wireType !== WireType.LengthDelimited) throw new Error("the answer of a peer has another form");
    pieces.push(reader.bytes());
  }
  return pieces;
}
