import { stat } from "node:fs/promises";
import { FileFollower } from "../../source/files/file-follower.js";
import { signatureOf } from "../../source/files/file-tree.js";

/** Calls `changed` when a settings file has changed. It does not keep the process running. */
export class SettingsWatch {
  private readonly follower: FileFollower;
  private signature = "";

  constructor(
    private readonly file: string,
    private readonly changed: () => void,
  ) {
    const owner = { looksChanged: () => this.looksChanged(), reload: () => this.reload() };
    this.follower = new FileFollower({ quietMs: 200, maxWaitMs: 1_000, pollMs: 1_000, useEvents: false }, owner);
  }

  async start(): Promise<void> {
    this.signature = await this.look();
    this.follower.start();
  }

  close(): Promise<void> {
    return this.follower.close();
  }

  private async looksChanged(): Promise<boolean> {
    return (await this.look()) !== this.signature;
  }

  private async reload(): Promise<void> {
    const signature = await this.look();
    if (signature === this.signature) return;
    this.signature = signature;
    this.changed();
  }

  private async look(): Promise<string> {
    return signatureOf(await stat(this.file, { bigint: true }).catch(() => undefined));
  }
}
