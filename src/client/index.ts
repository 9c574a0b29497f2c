/// <reference types="node" preserve="true" />
// The xDS client, for tools and tests: `import { XdsClient } from "ts-control-plane/client"`.

export { type ErrorCode, XdsError } from "../errors.js";
export type { BackOffOptions } from "../grpc-client/back-off.js";
export type { EndStatus } from "../grpc-client/end-status.js";
export type { ClientTlsOptions } from "../grpc-client/tls.js";
export type { ErrorDetail } from "../wire/messages.js";
export type { FailedResource } from "../wire/response-decoding.js";
export type { ChangeCause, ClientCallbacks, ClientChange } from "./callbacks.js";
export type { ChangeBatch, ChangeFeed } from "./change-feed.js";
export type { ClientStreamInfo, ClosedClientStream } from "./connection.js";
export { clientFeatures, type XdsClientOptions } from "./options.js";
export type { ClientResource, ResourceChange } from "./resource.js";
export type { BodilessResource, ClientResponse, ResponseContent } from "./response.js";
export type { Verdict } from "./stream.js";
export type { SubscriptionState } from "./subscription.js";
export type { Clock } from "./timers.js";
export { XdsClient } from "./xds-client.js";
