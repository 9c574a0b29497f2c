import type { Resource } from "../resource/resource.js";
import { endpointType, type ResourceType } from "../resource/types.js";
import { genericForm } from "../server/config-dumps.js";
import type { DumpFacts } from "../source/resource-file.js";
import { type ChangedResource, changeOf } from "./changes.js";
import { asDumped } from "./dumped-endpoints.js";
import { isOfEnvoy, type Operand, tells } from "./operand.js";
import { shownResource } from "./shown.js";

/** More names than this in a note help nobody. */
const mostNames = 5;

export interface ComparisonOptions {
  readonly withSecrets: boolean;
  /** Both are dumps of one server, so where versions differ the resources do, and only there. */
  readonly sameServer: boolean;
}

/**
 * Compares the resources of two configurations, of which each may be a config dump: what a dump does not tell is no difference,
 * but something that could not be compared.
 */
export class Comparison {
  private readonly dumps: readonly DumpFacts[];
  /** Of these a dump tells nothing, and the other side has some. */
  private readonly untoldTypes = new Set<ResourceType>();
  /** Of these something is redacted that may be different. */
  private readonly untold = new Set<Resource>();

  constructor(
    private readonly before: Operand,
    private readonly after: Operand,
    private readonly options: ComparisonOptions,
  ) {
    this.dumps = [before.dump, after.dump].filter((dump) => dump !== undefined);
  }

  /** undefined: they are the same, as far as they can be compared. */
  changeOf(was: Resource | undefined, is: Resource | undefined): ChangedResource | undefined {
    const { type } = (is ?? was) as Resource;
    if ((!was && !tells(this.before, type.typeUrl)) || (!is && !tells(this.after, type.typeUrl))) {
      this.untoldTypes.add(type);
      return undefined;
    }
    const isRedacted = this.dumps.some(({ redacted }) => [was, is].some((one) => one && redacted.has(one)));
    const { withSecrets, sameServer } = this.options;
    return changeOf(was, is, withSecrets && !isRedacted, {
      shown: type.typeUrl === endpointType && this.dumps.some(isOfEnvoy) ? shownAsDumped : shownResource,
      hiddenDiffers: sameServer ? this.versionsDiffer : isRedacted ? this.cannotTell : undefined,
    });
  }

  /** What could not be compared, and why; a line each. */
  *notes(): Iterable<string> {
    for (const { name, typeUrl } of this.untoldTypes) {
      const advice = typeUrl === endpointType ? " (ask for /config_dump?include_eds)" : "";
      yield `the dump has no ${name}${advice}; not compared`;
    }
    if (this.dumps.some(({ sections }) => sections.has(genericForm.message)))
      yield "what the dump has in generic_xds_configs, such as runtime layers, was not compared";
    const all = Array.from(this.untold, ({ type, name }) => `${type.name} ${JSON.stringify(name)}`);
    if (all.length === 0) return;
    const names =
      all.slice(0, mostNames).join(", ") + (all.length > mostNames ? `, and ${all.length - mostNames} more` : "");
    yield `not compared, as the dump does not tell it: what is [redacted] in ${names}`;
  }

  private readonly versionsDiffer = (was: Resource, is: Resource) => this.versionOf(was) !== this.versionOf(is);

  private readonly cannotTell = (was: Resource, is: Resource) => {
    const version = this.versionOf(was);
    // The hash of the content, as this program makes it; other versions may be the same by chance.
    const isSame = version !== undefined && /^[0-9a-f]{16}$/.test(version) && version === this.versionOf(is);
    if (!isSame) this.untold.add(is);
    return false;
  };

  private versionOf(resource: Resource): string | undefined {
    const dump = this.dumps.find(({ versions, redacted }) => versions.has(resource) || redacted.has(resource));
    return dump ? dump.versions.get(resource) : resource.version;
  }
}

const shownAsDumped = (resource: Resource, withSecrets: boolean) => asDumped(shownResource(resource, withSecrets));
