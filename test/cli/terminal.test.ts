import { expect, test } from "vitest";
import { printable } from "../../src/printable.js";
import { eventually } from "../e2e/eventually.js";
import { get } from "../e2e/http.js";
import { post } from "../server/post.js";
import { xdsHere } from "./in-process.js";
import { xds } from "./program.js";
import { Folder, openStream } from "./serving.js";

/** What a client may say of itself: signs that move the cursor, begin a line, and turn one around. */
const evil = "n\x1b]0;owned\x07\x1b[2J\r\nFAKE 00:00:00.000 error all is lost\u202e\u0085\x9b31m\u2028";
const harmful = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Fails for text that does something to a terminal, or has a line of somebody else; and for text without the name. */
function expectPlain(what: string, text: string): void {
  expect({ what, signs: text.match(harmful)?.filter((sign) => sign !== "\n") ?? [] }).toEqual({ what, signs: [] });
  expect(text, what).not.toMatch(/^FAKE/m);
  expect(text, what).toMatch(/all is lost\\+u202e/); // in the log the value itself is escaped
}

const cluster = (more = "") =>
  `{ "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: ${printable(JSON.stringify(evil))}${more} }\n`;

test.each(["json", "pretty"])(
  "no text of a client or a file does something to a terminal: commands, the admin port, the log as %s",
  async (format) => {
    const folder = new Folder();
    const config = folder.write("a.yaml", cluster());
    const server = xds.start("serve", config, "--port", "0", "--rest-port", "0", "--log-format", format);
    const { grpc, rest, admin } = await server.ports();
    const node = { id: `rest ${evil}`, cluster: evil, userAgentName: evil };
    await post({ port: rest }, "/v3/discovery:clusters", { node, versionInfo: evil, resourceNames: [evil] });
    const stream = openStream(grpc, evil, evil);
    stream.send({});
    const asked = ["--admin", `http://127.0.0.1:${admin}`];
    await eventually(async () => expect((await xdsHere("status", evil, ...asked)).stdout).toContain("refused"));
    const commands = [
      ["status", ...asked],
      ["status", evil, ...asked],
      ["get", "clusters", "--server", `127.0.0.1:${grpc}`],
      ["diff", config, folder.write("none.yaml", "resources: []\n")],
      ["diff", config, folder.write("other.yaml", cluster(", alt_stat_name: a"))],
      ["diff", "--node", evil, ...asked],
      ["explain", `clusters/${evil}`, config],
      ["validate", folder.write("bad.yaml", cluster(", connect_timeout: 0s"))],
      ["validate", folder.write("worse.yaml", cluster(`, "${printable(evil)}": 1`))],
    ];
    for (const command of commands)
      for (const output of ["table", "json", "yaml"]) {
        const { stdout, stderr } = await xdsHere(...command, "-o", output);
        expectPlain(`${command[0]} -o ${output}`, `${stdout}${stderr}`);
      }
    for (const path of ["/status", "/clients", "/config_dump"])
      expectPlain(path, (await get(`http://127.0.0.1:${admin}${path}`)).body);
    stream.close();
    await eventually(() => expect(server.stderr).toContain("stream closed"));
    expectPlain(`the log as ${format}`, server.stderr);
  },
);

test.each([["\u202e\u001b"], ["get", "\u202e\u001b"], ["validate", "--\u202e\u001b"], ["help", "\u202e\u001b"]])(
  "a call that cannot be is shown with its signs escaped: %j",
  async (...args) => {
    const { stdout, stderr } = await xdsHere(...args);
    const shown = `${stdout}${stderr}`;
    expect(shown).toContain("\\u202e\\u001b");
    expect(shown.match(harmful)?.filter((sign) => sign !== "\n") ?? []).toEqual([]);
  },
);
