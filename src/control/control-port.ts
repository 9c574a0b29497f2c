import type { IncomingMessage, ServerResponse } from "node:http";
import type { AdminHandler } from "../admin/admin-handler.js";
import { messageOf, XdsError } from "../errors.js";
import { type Logger, silentLogger } from "../logger.js";
import type { Control } from "./control.js";
import { ControlHandler, sendControlError } from "./control-handler.js";
import { type Caller, controlPath } from "./routes.js";
import type { TokenFile } from "./token-file.js";

/**
 * Takes orders on the admin port, from clients with a token. The admin port has already refused requests of web pages.
 * Without a token file every request is refused.
 */
export class ControlPort implements AdminHandler {
  readonly path = controlPath;
  private readonly handler: ControlHandler;

  /** Clients can cause many lines for `logger`, so it should be a `RationedLog`. */
  constructor(
    control: Control,
    private readonly tokens: TokenFile | undefined,
    private readonly logger: Logger = silentLogger,
  ) {
    this.handler = new ControlHandler(control, logger);
  }

  async handle(request: IncomingMessage, response: ServerResponse, peer: string): Promise<void> {
    if (request.method !== "GET") response.setHeader("connection", "close"); // a refused body may have no end
    try {
      const caller = await this.callerOf(request.headers.authorization, peer);
      if (caller && /^100-continue$/i.test(request.headers.expect ?? "")) response.writeContinue();
      if (caller) return await this.handler.handle(request, response, caller);
      response.setHeader("www-authenticate", "Bearer");
      throw new XdsError(
        "PERMISSION_DENIED",
        "orders need a token of the server's token file: Authorization: Bearer …",
      );
    } catch (error) {
      const isUnknown = response.hasHeader("www-authenticate");
      sendControlError(response, error, isUnknown ? 401 : undefined);
    }
  }

  /** The caller with this token. undefined if the request has no token, or an unknown one. */
  private async callerOf(authorization: string | undefined, peer: string): Promise<Caller | undefined> {
    if (!this.tokens)
      throw new XdsError(
        "PERMISSION_DENIED",
        "this admin port takes no orders: its server has no token file (`xds serve --admin-token-file`). Use the socket in the state directory, or start the server with a token file",
      );
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return undefined;
    let name: string | undefined;
    try {
      name = await this.tokens.nameOf(token);
    } catch (error) {
      this.logger.error({ error: messageOf(error) }, "the token file cannot be used; orders are refused");
      throw new XdsError("PERMISSION_DENIED", "the server's token file cannot be used now; the server's log says why");
    }
    if (name === undefined) {
      this.logger.warn({ peer }, "an order with an unknown token is refused");
      return undefined;
    }
    return { who: () => ({ by: `token ${name}` }), seesSecrets: false };
  }
}
