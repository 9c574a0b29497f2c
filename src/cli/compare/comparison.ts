import { resourceTypes } from "../../resource/default-api.js";
import type { Resource } from "../../resource/resource.js";
import { SetHash } from "../../resource/resource-set.js";
import { endpointType, secretType } from "../../resource/types.js";
import type { ResourceType } from "../../resource/xds-api.js";
import { genericForm } from "../../server/csds/config-dumps.js";
import type { DumpFacts } from "../../source/documents/dump-facts.js";
import { type ChangedResource, type ComparisonRules, changeOf } from "./changes.js";
import {
  type ComparedConfiguration,
  hasPartOf,
  isOwn,
  isPartial,
  tells,
  unansweredLines,
  unreadLines,
} from "./compared-configuration.js";
import { asDumped } from "./dumped-endpoints.js";
import { filesRead, withoutFiles } from "./dumped-secrets.js";
import { unservedLine } from "./unserved-parts.js";

/** The most names in a note. */
const mostNames = 5;

export interface ComparisonOptions {
  readonly withSecrets: boolean;
  /** Whether both are dumps of one server. Then resources differ exactly if their versions differ. */
  readonly sameServer: boolean;
  /** What the compared node keeps only for its old listeners. */
  readonly draining?: Draining | undefined;
}

/**
 * Resources that a node has and that are no longer served. They are removed when the node's old listeners have drained.
 */
export interface Draining {
  has(resource: Resource): boolean;
  /** The types with more draining resources than the server names. */
  readonly cutTypes: readonly string[];
}

/**
 * Compares the resources of two configurations. Each of them may be a config dump. What a dump does not contain is no
 * difference, but counts as not compared.
 */
export class Comparison {
  private readonly dumps: readonly DumpFacts[];
  /** Types that a dump does not contain, and that the other side has. */
  private readonly absentTypes = new Set<ResourceType>();
  /** The types that a revision does not have, and of which the other side has resources. */
  private readonly liveTypes = new Set<ResourceType>();
  /** The resources that a dump of some names lacks. */
  private readonly otherNames = new Set<Resource>();
  /** Resources that are shown as a difference because a part of a dump lacks them. */
  private readonly lackedByPart = new Set<Resource>();
  /** Resources of which a dump has only some fields. */
  private readonly cut = new Set<Resource>();
  /** Resources with something redacted that may be different. */
  private readonly redacted = new Set<Resource>();
  /** Resources that name files, where an Envoy's dump has the content of the files instead. */
  private readonly namingFiles = new Set<Resource>();
  private readonly draining = new Set<Resource>();
  /** Resources that a server has not answered for. */
  private readonly unanswered = new Set<Resource>();
  /** The number of resources that were compared, or that are only on one side. */
  private compared = 0;
  /** The number of resources that could not be compared. */
  private passedOver = 0;

  constructor(
    private readonly before: ComparedConfiguration,
    private readonly after: ComparedConfiguration,
    private readonly options: ComparisonOptions,
  ) {
    this.dumps = [before.dump, after.dump].filter((dump) => dump !== undefined);
  }

  /**
   * Returns the change from one resource to another. Returns undefined if they are the same, as far as they can be
   * compared.
   */
  changeOf(was: Resource | undefined, is: Resource | undefined): ChangedResource | undefined {
    if (!was || !is) {
      const there = (is ?? was) as Resource;
      const other = was ? this.after : this.before;
      if (!this.mayLack(there, other)) return this.passOver();
    } else if (this.dumps.some(({ cut }) => cut.has(was) || cut.has(is))) {
      this.cut.add(is);
      return this.passOver();
    }
    this.compared++;
    if (was && !is && this.options.draining?.has(was)) {
      this.draining.add(was);
      return undefined;
    }
    const isRedacted = this.dumps.some(({ redacted }) => [was, is].some((one) => one && redacted.has(one)));
    const { withSecrets, sameServer } = this.options;
    return changeOf(was, is, withSecrets && !isRedacted, {
      compared: is && this.comparedWithDump(is),
      hiddenDiffers: sameServer ? this.versionTells(isRedacted) : isRedacted ? this.cannotTell : undefined,
    });
  }

  private passOver(): undefined {
    this.passedOver++;
  }

  /** Whether the missing resource on the other side is a difference. */
  private mayLack(there: Resource, other: ComparedConfiguration): boolean {
    const { dump } = other;
    if (other.live?.has(there.type.typeUrl)) {
      this.liveTypes.add(there.type);
      return false;
    }
    if (!tells(other, there.type.typeUrl, there.name) && other.unanswered) {
      if (!other.unanswered.keys.has(there.type.typeUrl)) this.unanswered.add(there);
      return false;
    }
    if (!dump) return true;
    if (dump.unreadKeys.has(`${there.type.typeUrl} ${there.name}`)) return false; // a note says so
    if (!hasPartOf(dump, there.type.typeUrl)) this.absentTypes.add(there.type);
    else if (dump.isOfSomeNames) this.otherNames.add(there);
    else {
      if (isPartial(dump)) this.lackedByPart.add(there);
      return true;
    }
    return false;
  }

  /** A line for each thing that could not be compared, with the reason. */
  *gaps(): Iterable<string> {
    if (this.liveTypes.size > 0) {
      const names = Array.from(this.liveTypes, ({ name }) => name).join(" and ");
      yield `a revision has no ${names}, because live resources belong to no revision; not compared`;
    }
    for (const { name, typeUrl } of this.absentTypes) {
      const advice = typeUrl === endpointType ? " (ask for /config_dump?include_eds)" : "";
      yield `the dump has no ${name}${advice}; not compared`;
    }
    for (const operand of [this.before, this.after])
      for (const line of unansweredLines(operand)) yield `${line}; not compared`;
    if (this.unanswered.size > 0)
      yield `not compared, because the server has not answered for it: ${listed(this.unanswered)}`;
    for (const { unread } of this.dumps) yield* unreadLines(unread);
    if (this.otherNames.size > 0)
      yield `not compared, because the dump has only some names (?name_regex=): ${listed(this.otherNames)}`;
    if (this.cut.size > 0)
      yield `not compared, because the dump has only some fields of it (?mask=): ${listed(this.cut)}`;
    if (this.dumps.some(({ sections }) => sections.has(genericForm.message)))
      yield "not compared: the resources in generic_xds_configs of the dump, such as runtime layers";
    if (this.redacted.size > 0)
      yield `not compared, because the dump does not contain it: what is [redacted] in ${listed(this.redacted)}`;
    if (this.namingFiles.size > 0)
      yield `not compared, because an Envoy's dump has the content of files, not their names: the files named in ${listed(this.namingFiles)}`;
    const unserved = unservedLine(this.before, this.after);
    if (unserved !== undefined) yield unserved;
  }

  /** Further notes on the result, one a line. */
  *notes(): Iterable<string> {
    if (this.lackedByPart.size > 0)
      yield `the dump is only a part (?resource=, ?mask=), and other parts may have: ${listed(this.lackedByPart)}`;
    if (this.draining.size > 0)
      yield `no difference, because old listeners of the node may still use it; it is removed when they have drained: ${listed(this.draining)}`;
    for (const type of this.options.draining?.cutTypes ?? [])
      yield `more ${type} are waiting than the server names; some that only drain may be shown as a difference`;
  }

  /** Whether there is something to compare, but nothing could be compared. */
  get isEmpty(): boolean {
    const isUntold = (dump: DumpFacts) => !resourceTypes().some(({ typeUrl }) => hasPartOf(dump, typeUrl));
    const isPassedOver = this.passedOver > 0 || this.dumps.some(isUntold);
    return this.compared === 0 && (isPassedOver || unservedLine(this.before, this.after) !== undefined);
  }

  /** How to compare a resource with an Envoy's dump. It is undefined if the dump has the resource as it was sent. */
  private comparedWithDump(resource: Resource): ComparisonRules["compared"] {
    const [isBefore, isAfter] = [this.before, this.after].map(({ dump }) => dump && !isOwn(dump));
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

  /**
   * The rule for two dumps of one server. If something that is shown differs, the versions differ too, and say nothing
   * about what is redacted.
   */
  private versionTells(isRedacted: boolean): ComparisonRules["hiddenDiffers"] {
    return (was, is, fields) => {
      if (fields.length === 0) return this.versionOf(was) !== this.versionOf(is);
      if (isRedacted) this.redacted.add(is);
      return false;
    };
  }

  private readonly cannotTell = (was: Resource, is: Resource) => {
    const versions = this.versionsOf(is);
    const isSame = this.versionsOf(was).some((version) => versions.includes(version));
    if (!isSame) this.redacted.add(is);
    return false;
  };

  /**
   * The versions that the same content can have: the hash of the content, as this program makes it and as delta has it,
   * and the hash of a set with only this resource, as in SotW. Other versions may be equal by chance, and are left out.
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
