import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { createProtocolConnection, type ProtocolConnection } from "vscode-languageserver/node.js";

interface Position {
  /** From 0. */
  readonly line: number;
  readonly character: number;
}
interface Diagnostics {
  readonly uri: string;
  readonly diagnostics: readonly { readonly message: string }[];
}

/** What the YAML extension of editors does with a file, by its language server. */
export class Editor {
  private files = 0;
  private readonly waiting = new Map<string, (mistakes: readonly string[]) => void>();

  private constructor(
    private readonly server: ChildProcess,
    private readonly connection: ProtocolConnection,
  ) {}

  /** `schema`: the path of the JSON Schema for all files. */
  static async open(schema: string): Promise<Editor> {
    const program = createRequire(import.meta.url).resolve("yaml-language-server/bin/yaml-language-server");
    const server = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    const connection = createProtocolConnection(server.stdout, server.stdin);
    const editor = new Editor(server, connection);
    const settings = {
      schemaStore: { enable: false },
      schemas: { [pathToFileURL(schema).href]: ["*.yaml"] },
      completion: true,
      validate: true,
    };
    connection.onRequest("workspace/configuration", ({ items }: { items: readonly { section: string }[] }) =>
      items.map(({ section }) => (section === "yaml" ? settings : {})),
    );
    connection.onRequest("client/registerCapability", () => null);
    connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }: Diagnostics) =>
      editor.waiting.get(uri)?.(diagnostics.map(({ message }) => message)),
    );
    connection.listen();
    const capabilities = { workspace: { configuration: true }, textDocument: { completion: {} } };
    await connection.sendRequest("initialize", { processId: null, rootUri: null, capabilities });
    await connection.sendNotification("initialized", {});
    await connection.sendNotification("workspace/didChangeConfiguration", { settings: { yaml: settings } });
    return editor;
  }

  /** What it marks in a file with this text. */
  async mistakes(text: string): Promise<readonly string[]> {
    const uri = `file:///file-${this.files++}.yaml`;
    const told = new Promise<readonly string[]>((resolve) => this.waiting.set(uri, resolve));
    await this.opened(uri, text);
    return told;
  }

  /** What it offers at a place. */
  async completions(text: string, position: Position): Promise<readonly string[]> {
    const uri = `file:///file-${this.files++}.yaml`;
    await this.opened(uri, text);
    const found = (await this.connection.sendRequest("textDocument/completion", {
      textDocument: { uri },
      position,
    })) as {
      readonly items: readonly { readonly label: string }[];
    };
    return found.items.map(({ label }) => label);
  }

  close(): void {
    this.connection.dispose();
    this.server.kill();
  }

  private opened(uri: string, text: string): Promise<void> {
    const textDocument = { uri, languageId: "yaml", version: 1, text };
    return this.connection.sendNotification("textDocument/didOpen", { textDocument });
  }
}
