import { WireType } from "@bufbuild/protobuf/wire";
import { XdsError } from "../errors.js";
import { mustEndAt, WireReader } from "../schema/wire-reader.js";

/** Limits for a request that is being read. They are checked before the costly part of decoding. */
export interface RequestBounds {
  /** The most names in one list. */
  readonly mostNames: number;
  /** The most bytes of a node. */
  readonly mostNodeBytes: number;
  /** Makes the error for a request with more than `most` values of a kind, such as "names in one list". */
  tooManyValues(most: number, kind: string): Error;
  /**
   * Checks the size of a request's node, in bytes, before the node is read.
   * @throws Error if the node is too large
   */
  checkNode(bytes: number): void;
}

/** No limits. */
export const unbounded: RequestBounds = {
  mostNames: Number.POSITIVE_INFINITY,
  mostNodeBytes: Number.POSITIVE_INFINITY,
  tooManyValues: (most, kind) => new Error(`more than ${most} ${kind}`),
  checkNode: () => {},
};

/** A message of at most this many bytes is read uncounted. It has few values, whatever is in it. */
export const smallBytes = 16 << 10;

/**
 * The most messages in a node, in JSON objects and lists. The node of an Envoy has about 1,000. Decoding one takes a
 * microsecond or two, however small it is.
 */
export const mostNodeMessages = 20_000;
/** The most fields in a node. */
export const mostNodeFields = 100_000;

/** The error for a node with more than `most` of its parts, such as "messages". */
export const tooManyNodeParts = (most: number, parts: string): XdsError =>
  new XdsError("LIMIT_EXCEEDED", `a node with more than ${most} ${parts}`);

/** How many fields a request may have besides its lists. */
const otherFields = 64;

/** The fields of a request, by number. */
export interface RequestFields {
  /** Lists, each with the numbers of the fields that add to it. */
  readonly lists: readonly (readonly number[])[];
  /** Fields that are small messages, of two fields each. Further fields in them count as fields of the request. */
  readonly messages: readonly number[];
}

/** Counts the values of one kind of request before any of them is read. */
export class ValueCount {
  /** The list of a field, by field number; 0 for a field that belongs to none. */
  private readonly listOf: readonly number[];
  private readonly isMessage: readonly boolean[];

  constructor({ lists, messages }: RequestFields) {
    const numbers = Array.from({ length: 16 }, (_, field) => field);
    this.listOf = numbers.map((field) => lists.findIndex((fields) => fields.includes(field)) + 1);
    this.isMessage = numbers.map((field) => messages.includes(field));
  }

  /**
   * Checks how many values each list of a request has, and how many fields are beside the lists. Nothing is decoded, so
   * this costs a fraction of what reading costs.
   * @throws RangeError for bytes that are not protobuf, and the error of `bounds.tooManyValues()`
   */
  check(bytes: Uint8Array, bounds: RequestBounds): void {
    if (bytes.length <= smallBytes) return;
    const { mostNames } = bounds;
    const left = this.listOf.map(() => mostNames);
    left[0] = otherFields;
    const count = (list: number) => {
      if (--(left[list] as number) >= 0) return;
      throw list === 0
        ? bounds.tooManyValues(otherFields, "fields beside its lists")
        : bounds.tooManyValues(mostNames, "names in one list");
    };
    const reader = new WireReader(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.fieldTag();
      const field = tag >>> 3;
      count(this.listOf[field] ?? 0);
      if ((tag & 7) !== WireType.LengthDelimited || !this.isMessage[field]) {
        reader.pass(tag);
        continue;
      }
      const end = reader.valueEnd();
      for (let fields = 1; reader.pos < end; fields++) {
        reader.pass(reader.fieldTag());
        if (fields > 2) count(0);
      }
      mustEndAt(reader, end);
    }
  }
}
