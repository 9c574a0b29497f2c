import type { Resource } from "../resource/resource.js";
import { SetHash } from "../resource/resource-set.js";
import { endpointType, type ResourceType, secretType } from "../resource/types.js";
import { genericForm } from "../server/config-dumps.js";
import type { DumpFacts } from "../source/resource-file.js";
import { type ChangedResource, changeOf, type Ways } from "./changes.js";
import { asDumped } from "./dumped-endpoints.js";
import { filesRead, withoutFiles } from "./dumped-secrets.js";
import { isOfEnvoy, type Operand, tells } from "./operand.js";

/** More names than this in a note help nobody. */
const mostNames = 5;

export interface ComparisonOptions {
  readonly withSecrets: boolean;
  /** Both are dumps of one server, so where versions differ the resources do, and only there. */
  readonly sameServer: boolean;
  /** Of a node: what it keeps only for its old listeners. */
  readonly draining?: Draining | undefined;
}

/**
 * Resources that a node has, that are no longer served, and that are to be removed when its old listeners have drained.
 */
export interface Draining {
  has(resource: Resource): boolean;
  /** The types of which more drain than the server names. */
  readonly cutTypes: readonly string[];
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
  /** These name files that an Envoy's dump has only the content of. */
  private readonly namingFiles = new Set<Resource>();
  private readonly draining = new Set<Resource>();

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
    if (was && !is && this.options.draining?.has(was)) {
      this.draining.add(was);
      return undefined;
    }
    const isRedacted = this.dumps.some(({ redacted }) => [was, is].some((one) => one && redacted.has(one)));
    const { withSecrets, sameServer } = this.options;
    return changeOf(was, is, withSecrets && !isRedacted, {
      compared: is && this.comparedWithDump(is),
      hiddenDiffers: sameServer ? this.versionsDiffer : isRedacted ? this.cannotTell : undefined,
    });
  }

  /** What could not be compared, and why; a line each. */
  *notes(): Iterable<string> {
    for (const { name, typeUrl } of this.untoldTypes) {
      const advice = typeUrl === endpointType ? " (ask for /config_dump?include_eds)" : "";
      yield `the dump has no ${name}${advice}; not compared`;
    }
    if (this.draining.size > 0)
      yield `no difference, as old listeners of the node may still use it, and it is removed when they have drained: ${listed(this.draining)}`;
    for (const type of this.options.draining?.cutTypes ?? [])
      yield `more ${type} wait than the server names; what only drains of them may be shown as a difference`;
    if (this.dumps.some(({ sections }) => sections.has(genericForm.message)))
      yield "what the dump has in generic_xds_configs, such as runtime layers, was not compared";
    if (this.untold.size > 0)
      yield `not compared, as the dump does not tell it: what is [redacted] in ${listed(this.untold)}`;
    if (this.namingFiles.size > 0)
      yield `not compared, as an Envoy's dump has the content of files, not their names: the files named in ${listed(this.namingFiles)}`;
  }

  /** undefined: an Envoy's dump has it as it was told. */
  private comparedWithDump(resource: Resource): Ways["compared"] {
    const [isBefore, isAfter] = [this.before, this.after].map(({ dump }) => dump && isOfEnvoy(dump));
    if (!isBefore && !isAfter) return undefined;
    const { typeUrl } = resource.type;
    if (typeUrl === endpointType) return (was, is) => [asDumped(was), asDumped(is)];
    if (typeUrl !== secretType) return undefined;
    return (was, is) => {
      const files = isAfter ? filesRead(was, is) : filesRead(is, was);
      if (files.length > 0) this.namingFiles.add(resource);
      return [withoutFiles(was, files), withoutFiles(is, files)];
    };
  }

  private readonly versionsDiffer = (was: Resource, is: Resource) => this.versionOf(was) !== this.versionOf(is);

  private readonly cannotTell = (was: Resource, is: Resource) => {
    const versions = this.versionsOf(is);
    const isSame = this.versionsOf(was).some((version) => versions.includes(version));
    if (!isSame) this.untold.add(is);
    return false;
  };

  /**
   * The hash of its content, as this program makes it and delta has it; and that of a set which has only this resource,
   * as SotW then has it. None for other versions: they may be the same by chance.
   */
  private versionsOf(resource: Resource): readonly string[] {
    const version = this.versionOf(resource);
    return version === undefined || !/^[0-9a-f]{16}$/.test(version)
      ? []
      : [version, new SetHash().add({ key: resource.key, version }).toString()];
  }

  private versionOf(resource: Resource): string | undefined {
    const dump = this.dumps.find(({ versions, redacted }) => versions.has(resource) || redacted.has(resource));
    return dump ? dump.versions.get(resource) : resource.version;
  }
}

function listed(resources: ReadonlySet<Resource>): string {
  const all = Array.from(resources, ({ type, name }) => `${type.name} ${JSON.stringify(name)}`);
  return all.slice(0, mostNames).join(", ") + (all.length > mostNames ? `, and ${all.length - mostNames} more` : "");
}
