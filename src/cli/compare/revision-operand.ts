import type { ControlClient, RevisionResource } from "../../control/control-client.js";
import type { RevisionReport } from "../../control/reports.js";
import type { Resource } from "../../resource/resource.js";
import { findTypeNamed } from "../../resource/type-spellings.js";
import { XdsApi } from "../../resource/xds-api.js";
import { dumpForms, dumpList } from "../../server/csds/config-dumps.js";
import { configurationIn } from "../../serving/stored-configuration.js";
import type { DumpFacts } from "../../source/documents/dump-facts.js";
import type { ComparedConfiguration } from "./compared-configuration.js";

/** Whether an operand is a revision of a running server, such as @12. */
export const isRevision = (operand: string): boolean => /^@\d+$/.test(operand);

const revisionNumber = (operand: string): number => Number(operand.slice(1));

/**
 * A revision of a running server, to be compared.
 * @throws XdsError as the client does
 */
export async function loadRevision(client: ControlClient, operand: string): Promise<ComparedConfiguration> {
  const number = revisionNumber(operand);
  const report = await client.revision(number);
  const layers = new Map<string, readonly Resource[]>();
  const all: RevisionResource[] = [];
  for (const layer of report.layers) {
    const found = await client.resources(number, layer);
    all.push(...found);
    layers.set(
      layer,
      found.map(({ resource }) => resource),
    );
  }
  return {
    configuration: configurationIn(layers, report.rules),
    places: new Map(),
    notes: [],
    live: liveTypes(report),
    rules: JSON.stringify(report.rules ?? null),
    ...(all.some(({ isRedacted }) => isRedacted) && { dump: factsOf(all) }),
  };
}

/** The type URLs whose resources belong to no revision. */
const liveTypes = ({ live }: RevisionReport): ReadonlySet<string> =>
  new Set(live.flatMap((name) => findTypeNamed(name, XdsApi.default)?.typeUrl ?? []));

/** The facts about partly redacted resources, as for a complete dump of this program. */
function factsOf(resources: readonly RevisionResource[]): DumpFacts {
  const lists = Object.values(dumpForms).map(
    (form) => `${form.message} ${dumpList(form, XdsApi.default.registry).field.name}`,
  );
  return {
    sections: new Set(Object.values(dumpForms).map(({ message }) => message)),
    lists: new Set(lists),
    isOfSomeNames: false,
    versions: new Map(resources.map(({ resource }) => [resource, resource.version])),
    redacted: new Set(resources.filter(({ isRedacted }) => isRedacted).map(({ resource }) => resource)),
    cut: new Set(),
    unread: [],
    unreadKeys: new Set(),
  };
}
