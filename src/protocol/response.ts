import type { Resource } from "../resource/resource.js";
import type { EncodableResponse } from "../wire/messages.js";

/** A response of either variant before it is encoded. Streams can share the lists, so do not change them. */
export type Response = EncodableResponse<Resource>;
