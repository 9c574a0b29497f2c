import type { DescField } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { envoyRegistry } from "../resource/default-api.js";
import { ruleWords } from "./rule-words.js";

function field(path: string): DescField {
  const at = path.lastIndexOf(".");
  const found = envoyRegistry()
    .getMessage(path.slice(0, at))
    ?.fields.find(({ name }) => name === path.slice(at + 1));
  if (!found) throw new Error(`no ${path}`);
  return found;
}

test.each([
  ["envoy.config.core.v3.Address.pipe", []],
  ["envoy.config.core.v3.TypedExtensionConfig.typed_config", ["is required"]],
  ["envoy.type.v3.Percent.value", ["must be at least 0 and at most 100"]],
  ["envoy.config.core.v3.HttpUri.timeout", ["is required", "must be at least 0s and less than 4294967296s"]],
  ["envoy.config.core.v3.KeyValue.key", ["must have at least 1 character and have at most 16384 bytes"]],
  ["envoy.config.core.v3.SchemeHeaderTransformation.scheme_to_overwrite", ['must be one of "http", "https"']],
  ["envoy.config.core.v3.QuicKeepAliveSettings.initial_interval", ["must be at least 0.001s or at most 0s"]],
  ["envoy.config.metrics.v3.HistogramBucketSettings.buckets", ["no two may be equal", "each must be more than 0"]],
  [
    "envoy.config.route.v3.VirtualHost.domains",
    [
      "must have at least 1 of them",
      "each must be valid as an HTTP header's value (no NUL, line feed or carriage return)",
    ],
  ],
  ["envoy.config.core.v3.Metadata.filter_metadata", ["each key must have at least 1 character"]],
  [
    "envoy.service.rate_limit_quota.v3.BucketId.bucket",
    [
      "must have at least 1 of them",
      "each key must have at least 1 character",
      "each value must have at least 1 character",
    ],
  ],
] as const)("the rules of %s are told as %j", (path, words) => {
  expect(ruleWords(field(path))).toEqual(words);
});
