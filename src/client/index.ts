/// <reference types="node" preserve="true" />
// The xDS client, for tools and tests: `import { XdsClient } from "ts-control-plane/client"`.

export { type ErrorCode, XdsError } from "../errors.js";
export type { ErrorDetail } from "../protocol/messages.js";
export type { FailedResource } from "../wire/response-decoding.js";
export type { BackOffOptions } from "./back-off.js";
export type { ChangeCause, ClientCallbacks, ClientChange } from "./callbacks.js";
export type { ChangeBatch, ChangeFeed } from "./change-feed.js";
export type { ClientStreamInfo, ClosedClientStream } from "./connection.js";
export type { ClientTlsOptions, EndStatus } from "./grpc.js";
export { clientFeatures, type XdsClientOptions } from "./options.js";
export type { ClientResource, ResourceChange } from "./resource.js";
export type { BodilessResource, ClientResponse, ResponseContent } from "./response.js";
export type { Verdict } from "./stream.js";
export type { SubscriptionState } from "./subscription.js";
export type { Clock } from "./timers.js";
export { XdsClient } from "./xds-client.js";
