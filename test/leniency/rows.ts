import type { JsonValue } from "@bufbuild/protobuf";

/** The two languages of files, which Envoy reads by different rules. */
export const formats = ["yaml", "json"] as const;
export type Format = (typeof formats)[number];

/** One text, as the content of a message in a file of one format. */
export interface Row {
  /** Unique among all rows. */
  readonly id: string;
  readonly format: Format;
  /** The full name of the message. */
  readonly type: string;
  /** The fields, as they stand in the file: in YAML one on each line, in JSON with commas between them. */
  readonly text: string;
}

/** What Envoy makes of a row: the message's JSON, or null, where it refuses it. */
export type Recorded = Readonly<Record<string, JsonValue>>;

/** A field of one kind, and the values that are tried for it. */
interface Kind {
  /** `<message>.<field>`, in the API of Envoy unless it begins with google. */
  readonly field: string;
  /** Texts that both formats can have. */
  readonly both?: readonly string[];
  readonly yaml?: readonly string[];
  readonly json?: readonly string[];
}

/** Texts between bars; ⏎ stands for a line break. */
const values = ({ raw: [text = ""] }: TemplateStringsArray): string[] =>
  text.split("¦").map((value) => value.trim().replaceAll("⏎", "\n"));

/** Each kind of field, with each way to write its value that has been seen or can be thought of. */
const kinds: Readonly<Record<string, Kind>> = {
  bool: {
    field: "config.cluster.v3.Cluster.respect_dns_ttl",
    both: values`
      true ¦ false ¦ 1 ¦ 0 ¦ 2 ¦ "true" ¦ "True" ¦ "yes" ¦ "on" ¦ "y" ¦ "t" ¦ "0" ¦ "1" ¦ "a" ¦ "" ¦ " 1 " ¦
      '1' ¦ null ¦ {} ¦ [] ¦ [1]
    `,
    yaml: values`
      y ¦ Y ¦ yes ¦ Yes ¦ YES ¦ yEs ¦ on ¦ ON ¦ t ¦ T ¦ True ¦ tRUE ¦ n ¦ no ¦ off ¦ Off ¦ F ¦ ~ ¦ !!bool yes ¦
      ! true
    `,
    json: values`True ¦ yes`,
  },
  "bool in a wrapper": {
    field: "config.route.v3.RouteAction.auto_host_rewrite",
    both: values`
      true ¦ "true" ¦ 1 ¦ null ¦ { "value": true } ¦ { "value": "yes" } ¦ {} ¦ { "value": null } ¦ { "v": 1 }
    `,
    yaml: values`yes ¦ { value: on }`,
  },
  string: {
    field: "config.cluster.v3.Cluster.name",
    both: values`
      1 ¦ 1.5 ¦ 1e3 ¦ true ¦ false ¦ 4294967295 ¦ 4294967296 ¦ "4294967296" ¦ 9007199254740993 ¦
      "9007199254740993" ¦ 01 ¦ "\u0041" ¦ "\ud83d\ude00" ¦ "\/" ¦ "1" ¦ "a" ¦ "" ¦ " 1 " ¦ '1' ¦ null ¦ {} ¦
      [] ¦ [1]
    `,
    yaml: values`
      0x10 ¦ 0o10 ¦ +1 ¦ 1_000 ¦ 1:30 ¦ ~ ¦ Null ¦  ¦ !!str 1 ¦ !!int "1" ¦ ! 1 ¦ !other 1 ¦ -0x1f ¦ yes ¦ y ¦
      n ¦ off ¦ a b ¦ .inf ¦ .nan ¦ 2001-01-01 ¦ |⏎    a⏎    b ¦ >-⏎    a⏎    b ¦ |⏎    yes ¦ "\x41"
    `,
    json: values`"\x41" ¦ 'it''s' ¦ 'it\'s' ¦ "\U0041" ¦ a`,
  },
  "string in a wrapper": {
    field: "google.protobuf.StringValue.value",
    both: values`"a" ¦ 1 ¦ null`,
  },
  bytes: {
    field: "config.core.v3.DataSource.inline_bytes",
    both: values`
      "aGk=" ¦ "aGk" ¦ "aGk==" ¦ "_-8=" ¦ "_-8" ¦ "+/8=" ¦ "+-8=" ¦ "a" ¦ "a===" ¦ "====" ¦ "aGk= " ¦ "aG k" ¦
      "YWI" ¦ "YWJ=" ¦ "" ¦ 1 ¦ 1234 ¦ null ¦ [] ¦ {}
    `,
    yaml: values`aGk= ¦ aGk ¦ yes ¦ !!binary aGk= ¦ |⏎    aGk= ¦ |-⏎    aGk=`,
  },
  int32: {
    field: "type.v3.Int32Range.start",
    both: values`
      1 ¦ -1 ¦ 1.0 ¦ 1.5 ¦ 1e3 ¦ "1e3" ¦ "1.0" ¦ "1.5" ¦ "+1" ¦ "0x10" ¦ 010 ¦ "010" ¦ true ¦ 2147483647 ¦
      2147483648 ¦ -2147483648 ¦ -2147483649 ¦ "1" ¦ "a" ¦ "" ¦ " 1 " ¦ '1' ¦ null ¦ {} ¦ [] ¦ [1]
    `,
    yaml: values`
      0x10 ¦ 0o10 ¦ +1 ¦ 1_000 ¦ 1:30 ¦ ~ ¦ Null ¦  ¦ !!str 1 ¦ !!int "1" ¦ ! 1 ¦ !other 1 ¦ -0x1f
    `,
  },
  uint32: {
    field: "config.core.v3.SocketAddress.port_value",
    both: values`
      1 ¦ -1 ¦ 1.0 ¦ 1.5 ¦ 1e3 ¦ "1e3" ¦ "1.0" ¦ "1.5" ¦ "+1" ¦ "0x10" ¦ 010 ¦ "010" ¦ true ¦ 4294967295 ¦
      4294967296 ¦ "4294967296" ¦ 9007199254740993 ¦ "9007199254740993" ¦ "-0" ¦ "1" ¦ "a" ¦ "" ¦ " 1 " ¦ '1' ¦
      null ¦ {} ¦ [] ¦ [1]
    `,
    yaml: values`
      0x10 ¦ 0o10 ¦ +1 ¦ 1_000 ¦ 1:30 ¦ ~ ¦ Null ¦  ¦ !!str 1 ¦ !!int "1" ¦ ! 1 ¦ !other 1 ¦ -0x1f
    `,
  },
  int64: {
    field: "type.v3.Int64Range.start",
    both: values`
      1 ¦ -1 ¦ 1.0 ¦ 1.5 ¦ 1e3 ¦ "1e3" ¦ "1.0" ¦ "1.5" ¦ "+1" ¦ "0x10" ¦ 010 ¦ "010" ¦ true ¦ 4294967295 ¦
      4294967296 ¦ "4294967296" ¦ 9007199254740993 ¦ "9007199254740993" ¦ 9223372036854775807 ¦
      18446744073709551615 ¦ "18446744073709551615" ¦ 18446744073709551616 ¦ 1e17 ¦ "-9223372036854775808" ¦
      "1" ¦ "a" ¦ "" ¦ " 1 " ¦ '1' ¦ null ¦ {} ¦ [] ¦ [1]
    `,
    yaml: values`
      0x10 ¦ 0o10 ¦ +1 ¦ 1_000 ¦ 1:30 ¦ ~ ¦ Null ¦  ¦ !!str 1 ¦ !!int "1" ¦ ! 1 ¦ !other 1 ¦ -0x1f
    `,
  },
  uint64: {
    field: "admin.v3.SimpleMetric.value",
    both: values`
      1 ¦ -1 ¦ 1.0 ¦ 1.5 ¦ 1e3 ¦ "1e3" ¦ "1.0" ¦ "1.5" ¦ "+1" ¦ "0x10" ¦ 010 ¦ "010" ¦ true ¦ 4294967295 ¦
      4294967296 ¦ "4294967296" ¦ 9007199254740993 ¦ "9007199254740993" ¦ 9223372036854775807 ¦
      18446744073709551615 ¦ "18446744073709551615" ¦ 18446744073709551616 ¦ 1e17 ¦ "1" ¦ "a" ¦ "" ¦ " 1 " ¦
      '1' ¦ null ¦ {} ¦ [] ¦ [1]
    `,
    yaml: values`
      0x10 ¦ 0o10 ¦ +1 ¦ 1_000 ¦ 1:30 ¦ ~ ¦ Null ¦  ¦ !!str 1 ¦ !!int "1" ¦ ! 1 ¦ !other 1 ¦ -0x1f
    `,
  },
  "uint32 in a wrapper": {
    field: "config.cluster.v3.Cluster.per_connection_buffer_limit_bytes",
    both: values`
      1 ¦ "1" ¦ 1.0 ¦ null ¦ { "value": 1 } ¦ { "value": "1" } ¦ {} ¦ [1] ¦ { "value": { "value": 1 } }
    `,
    yaml: values`0x10 ¦ 010 ¦ { value: 1e3 }`,
  },
  "uint64 in a wrapper": {
    field: "config.cluster.v3.Cluster.RingHashLbConfig.minimum_ring_size",
    both: values`1 ¦ 18446744073709551615 ¦ { "value": "18446744073709551615" }`,
  },
  double: {
    field: "type.v3.Percent.value",
    both: values`
      1 ¦ 1.5 ¦ -1.5 ¦ 1e3 ¦ 1E+3 ¦ "1.5" ¦ ".5" ¦ "5." ¦ "+1.5" ¦ " 1.5 " ¦ "NaN" ¦ "nan" ¦ "Infinity" ¦
      "-Infinity" ¦ "inf" ¦ "+inf" ¦ "INF" ¦ "nan(1)" ¦ ".inf" ¦ "1e400" ¦ 1e400 ¦ -1e400 ¦ "0x10" ¦ "0x1.8p1" ¦
      "-0x10" ¦ "0X1F" ¦ "0x" ¦ true ¦ 4294967295 ¦ 4294967296 ¦ "4294967296" ¦ 9007199254740993 ¦
      "9007199254740993" ¦ null ¦ {} ¦ [] ¦ [1]
    `,
    yaml: values`
      0x10 ¦ 0o10 ¦ +1 ¦ 1_000 ¦ 1:30 ¦ ~ ¦ Null ¦  ¦ !!str 1 ¦ !!int "1" ¦ ! 1 ¦ !other 1 ¦ -0x1f ¦ .5 ¦ 5. ¦
      .inf ¦ -.inf ¦ .nan ¦ NaN ¦ nan ¦ Infinity ¦ inf ¦ 1.50
    `,
    json: values`NaN ¦ Infinity ¦ .5 ¦ 5. ¦ +1.5 ¦ 01.5 ¦ - ¦ 1e`,
  },
  "double in a wrapper": {
    field: "config.core.v3.RateLimitSettings.fill_rate",
    both: values`1.5 ¦ "1.5" ¦ { "value": 1.5 } ¦ "NaN"`,
  },
  float: {
    field: "google.protobuf.FloatValue.value",
    both: values`1.5 ¦ 0.1 ¦ 3.4e38 ¦ 3.41e38 ¦ "3.41e38" ¦ "Infinity" ¦ 1e-50`,
  },
  enum: {
    field: "config.cluster.v3.Cluster.lb_policy",
    both: values`
      "RING_HASH" ¦ "ring_hash" ¦ "Ring_Hash" ¦ "RING-HASH" ¦ "ring-hash" ¦ "ringHash" ¦ "ringhash" ¦
      "RINGHASH" ¦ 2 ¦ "2" ¦ " 2 " ¦ "+2" ¦ 2.0 ¦ "2.0" ¦ 99 ¦ "99" ¦ -1 ¦ 3000000000 ¦ "3000000000" ¦
      "nothing" ¦ "" ¦ true ¦ null ¦ {} ¦ [] ¦ [1]
    `,
    yaml: values`ring_hash ¦ RING_HASH ¦ yes ¦ 0x2 ¦ 02 ¦ ~`,
    json: values`ring_hash`,
  },
  "enum in a oneof": {
    field: "config.cluster.v3.Cluster.type",
    both: values`"static" ¦ "Strict_Dns" ¦ 2 ¦ null`,
    yaml: values`eds ¦ logical_dns`,
  },
  Duration: {
    field: "config.cluster.v3.Cluster.connect_timeout",
    both: values`
      "3s" ¦ "3.5s" ¦ "-3s" ¦ "-0.5s" ¦ "0.000000001s" ¦ "0.0000000001s" ¦ "3.s" ¦ ".5s" ¦ "+3s" ¦ "3" ¦ "3ms" ¦
      "3S" ¦ "3 s" ¦ " 3s" ¦ "1e1s" ¦ "03s" ¦ "315576000000s" ¦ "315576000001s" ¦ "00000000000000000003s" ¦ "" ¦
      3 ¦ 3.5 ¦ true ¦ null ¦ [] ¦ ["3s"] ¦ { "seconds": 3 } ¦ { "seconds": 3, "nanos": 500000000 } ¦
      { "seconds": "3", "nanos": "5" } ¦ { "seconds": 1.0 } ¦ {} ¦ { "nanos": -5 } ¦
      { "seconds": 3, "nanos": -5 } ¦ { "seconds": 3, "nanos": 1000000000 } ¦ { "seconds": null } ¦
      { "second": 3 } ¦ { "seconds": 315576000001 }
    `,
    yaml: values`3s ¦ 3.5s ¦ 1h ¦ !!str 3s`,
  },
  Timestamp: {
    field: "admin.v3.CertificateDetails.valid_from",
    both: values`
      "2024-01-31T12:00:00Z" ¦ "2024-01-31T12:00:00.5Z" ¦ "2024-01-31T12:00:00+02:00" ¦ "2024-01-31T12:00:00z" ¦
      "2024-01-31t12:00:00Z" ¦ "2024-01-31" ¦ "2024-01-31 12:00:00Z" ¦ "2024-01-31T12:00:00" ¦
      "2024-02-30T12:00:00Z" ¦ "2024-13-01T12:00:00Z" ¦ "2024-01-31T24:00:00Z" ¦ "2024-01-31T12:00:60Z" ¦
      "0001-01-01T00:00:00Z" ¦ "10000-01-01T00:00:00Z" ¦ "2024-1-31T12:00:00.0Z" ¦ "2024-00-01T12:00:00Z" ¦
      1706702400 ¦ null ¦ { "seconds": 1706702400 } ¦ { "seconds": "1706702400", "nanos": 5 } ¦ {} ¦
      { "nanos": -1 }
    `,
    yaml: values`2024-01-31T12:00:00Z ¦ 2024-01-31`,
  },
  Struct: {
    field: "config.core.v3.Node.metadata",
    both: values`
      {} ¦ null ¦ [] ¦ 1 ¦ "a" ¦
      { "a": 1, "b": 1.5, "c": "1", "d": true, "e": null, "f": [1, [2]], "g": { "h": {} } } ¦
      { "a": 3000000000, "b": -2147483649 } ¦ { "a": 1e3, "b": 1e400 } ¦
      { "a": 9223372036854775807, "b": 18446744073709551616 } ¦
      { "a": 0.1, "b": 1.10, "c": 100000000000000000000.5 } ¦ { "fields": { "a": 1 } } ¦
      { "": 1, "a.b": 2, "@type": "x" } ¦ { "a": "NaN", "b": "Infinity" }
    `,
    yaml: values`
      { a: y, b: yes, c: on, d: Off, e: NO, f: tRUE, g: t, h: 'yes' } ¦
      { a: 010, b: 0x1F, c: 0o17, d: -017, e: 08, f: +7, g: 0, h: -0, i: 00, j: 0X1f, k: 0b1 } ¦
      { a: .5, b: 5., c: .inf, d: .nan, e: 1_000, f: 1:30, g: 1e3, h: 2001-01-01, i: '=' } ¦
      { a: ~, b: null, c: Null, d: NULL, e: nULL, f: , g: '', h: 'null' } ¦
      { a: !!str 1, b: !!str yes, c: ! 1, d: !x 1, e: !!int "1", f: !!int x, g: !!null x, h: !!bool "1", i: !!float 1, j: !!str null, k: !!binary aGk=, l: !!str "" } ¦
      { 1: a, yes: b, ~: c, 1.5: d, 'q': e, 010: f }
    `,
  },
  Value: {
    field: "extensions.filters.http.thrift_to_metadata.v3.KeyValuePair.value",
    both: values`
      1 ¦ 1.5 ¦ "a" ¦ true ¦ null ¦ [1, null, [2]] ¦ { "a": 1 } ¦ { "string_value": "a" } ¦ {} ¦ []
    `,
    yaml: values`yes ¦ ~`,
  },
  ListValue: {
    field: "google.protobuf.ListValue.value",
    both: values`[] ¦ [1, [2], null] ¦ 1 ¦ null ¦ { "values": [1, [2]] } ¦ { "values": 1 } ¦ {}`,
  },
  Any: {
    field: "config.core.v3.TypedExtensionConfig.typed_config",
    both: values`
      {} ¦ null ¦ [] ¦ "a" ¦ { "name": "a" } ¦
      { "@type": "type.googleapis.com/envoy.type.v3.Percent", "value": "1.5" } ¦
      { "value": 1, "@type": "type.googleapis.com/envoy.type.v3.Percent" } ¦
      { "@type": "envoy.type.v3.Percent", "value": 1 } ¦ { "@type": "/envoy.type.v3.Percent", "value": 1 } ¦
      { "@type": "type.googleapis.com/envoy.type.v3.Percent" } ¦
      { "@type": "type.googleapis.com/envoy.type.v3.percent" } ¦
      { "@type": "type.googleapis.com/no.such.Message" } ¦ { "@type": "", "a": 1 } ¦ { "@type": null } ¦
      { "@type": 1 } ¦ { "@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s" } ¦
      { "@type": "type.googleapis.com/google.protobuf.Duration", "value": { "seconds": 3 } } ¦
      { "@type": "type.googleapis.com/google.protobuf.Duration", "seconds": 3 } ¦
      { "@type": "type.googleapis.com/google.protobuf.Duration" } ¦
      { "@type": "type.googleapis.com/google.protobuf.UInt32Value", "value": "3" } ¦
      { "@type": "type.googleapis.com/google.protobuf.UInt32Value" } ¦
      { "@type": "type.googleapis.com/google.protobuf.Struct", "value": { "a": 1 } } ¦
      { "@type": "type.googleapis.com/google.protobuf.Struct", "a": 1 } ¦
      { "@type": "type.googleapis.com/google.protobuf.Empty" } ¦
      { "@type": "type.googleapis.com/google.protobuf.Empty", "value": {} } ¦
      { "@type": "type.googleapis.com/google.protobuf.Any", "value": { "@type": "type.googleapis.com/google.protobuf.Empty" } } ¦
      { "@type": "type.googleapis.com/envoy.type.v3.Percent", "valu": 1 }
    `,
  },
  message: {
    field: "config.core.v3.Address.socket_address",
    both: values`
      {} ¦ null ¦ [] ¦ [{ "address": "a" }] ¦ "a" ¦ 1 ¦ { "address": "a", "portValue": 1 } ¦
      { "address": "a", "PORT_VALUE": 1 } ¦ { "address": "a", "addres": "b" } ¦ { "protocol": "tcp" } ¦
      { "": 1 }
    `,
  },
  "list of strings": {
    field: "config.route.v3.VirtualHost.domains",
    both: values`
      "*" ¦ [] ¦ null ¦ ["a", ["b", ["c"]], "d"] ¦ [null] ¦ ["a", null] ¦ {} ¦ 1 ¦ [1] ¦ [[]] ¦ [["a"], []]
    `,
    yaml: values`a ¦ yes ¦ ⏎    - a⏎    - ¦ ⏎  - a⏎  - b`,
  },
  "list of numbers": {
    field: "config.route.v3.RetryPolicy.retriable_status_codes",
    both: values`1 ¦ "1" ¦ [1, "2", 3.0, null] ¦ [[1, 2], 3] ¦ [-1]`,
  },
  "list of enums": {
    field: "config.core.v3.HealthStatusSet.statuses",
    both: values`"healthy" ¦ ["HEALTHY", "draining", 3, "4", null] ¦ 99 ¦ "x"`,
  },
  "list of messages": {
    field: "config.core.v3.Node.extensions",
    both: values`
      { "name": "a" } ¦ [{ "name": "a" }, null, [{ "name": "b" }]] ¦ [] ¦ null ¦ {} ¦ "a" ¦ [[]] ¦ ["a"]
    `,
    yaml: values`⏎    name: a ¦ ⏎    - name: a⏎    -⏎    - name: b`,
  },
  "list of Anys": {
    field: "admin.v3.ConfigDump.configs",
    both: values`{ "@type": "type.googleapis.com/google.protobuf.Empty" } ¦ [null, {}] ¦ {}`,
  },
  "map of strings": {
    field: "data.accesslog.v3.AccessLogCommon.custom_tags",
    both: values`
      { "a": "b" } ¦ {} ¦ null ¦ [] ¦ { "a": null } ¦ { "a": 1 } ¦ { "a": ["b"] } ¦ [{ "a": "b" }] ¦ "a" ¦
      { "a_b": "c", "A b": "d" }
    `,
    yaml: values`{ 1: a } ¦ { ~: a } ¦ { a: yes } ¦ { a: 1.5 }`,
  },
  "map of messages": {
    field: "config.core.v3.Metadata.filter_metadata",
    both: values`{ "a": { "b": 1 } } ¦ { "a": null } ¦ { "a": 1 } ¦ { "a": [] }`,
  },
  "map of bytes": {
    field: "data.core.v3.TlvsMetadata.typed_metadata",
    both: values`{ "a": "aGk" } ¦ { "a": null }`,
  },
  "map by number": {
    field: "extensions.filters.network.dubbo_proxy.v3.MethodMatch.params_match",
    both: values`
      { "1": {} } ¦ { "-1": {} } ¦ { "1.0": {} } ¦ { "+1": {} } ¦ { " 1 ": {} } ¦ { "a": {} } ¦ { "01": {} } ¦
      { "0x1": {} } ¦ { "4294967296": {} } ¦ { "1": {}, "01": {} }
    `,
    yaml: values`{ 1: {} } ¦ { 0x1: {} }`,
  },
};

/** Whole contents: fields together, and what is about the language of the file. */
const contents: Readonly<Record<Format, readonly (readonly [type: string, text: string])[]>> = {
  yaml: [
    ["config.cluster.v3.Cluster", "name: a\nname: b"],
    ["config.cluster.v3.Cluster", "connect_timeout: { seconds: 1 }\nconnect_timeout: { nanos: 1 }"],
    ["config.route.v3.VirtualHost", "domains: [a]\ndomains: [b]"],
    ["config.core.v3.Node", "metadata: { a: 1, a: 2 }"],
    ["config.cluster.v3.Cluster", "connectTimeout: 1s"],
    ["config.cluster.v3.Cluster", "connect_timeout: 1s\nconnectTimeout: 1s"],
    ["config.cluster.v3.Cluster", "type: eds\ncluster_type: { name: a }"],
    ["config.cluster.v3.Cluster", "type: ~\ncluster_type: { name: a }"],
    ["config.core.v3.DataSource", "filename: a\ninline_string: b"],
    ["config.core.v3.Node", "metadata:\n  a: &a { b: 1 }\n  c: *a"],
    ["config.core.v3.Node", "metadata:\n  a: &a [1]\n  a: *a\n  b: *a"],
    ["config.core.v3.Node", "metadata:\n  b: *none"],
    ["config.cluster.v3.Cluster", "<<: { name: a }"],
    ["config.core.v3.Node", "metadata:\n  x: &x { b: 1 }\n  y: { <<: *x, c: 2 }"],
    ["config.cluster.v3.Cluster", "!ignore x: &a 5s\nconnect_timeout: *a"],
    ["config.cluster.v3.Cluster", "!ignore name: a\nname: b"],
    ["config.cluster.v3.Cluster", "name: !ignore a"],
    ["config.cluster.v3.Cluster", "name: a # b\n# c"],
    ["config.cluster.v3.Cluster", "name: a#b"],
    ["config.cluster.v3.Cluster", "name:\ta"],
    ["config.cluster.v3.Cluster", "name: a\t"],
    ["config.cluster.v3.Cluster", "name: a:b"],
    ["config.cluster.v3.Cluster", "name: 'it''s'"],
    ["config.cluster.v3.Cluster", "name: a\n  b"],
    ["config.cluster.v3.Cluster", "name: @a"],
    ["config.cluster.v3.Cluster", "name: `a"],
    ["config.cluster.v3.Cluster", "name: %a"],
    ["config.cluster.v3.Cluster", "? name\n: a"],
    ["config.cluster.v3.Cluster", "? [name]\n: a"],
    ["config.cluster.v3.Cluster", "{ name: a }: b"],
    ["config.cluster.v3.Cluster", "~: a"],
    ["config.cluster.v3.Cluster", "'name': a\n\"alt_stat_name\": b"],
    ["config.cluster.v3.Cluster", "names: a"],
    ["config.cluster.v3.Cluster", "Name: a"],
    ["config.cluster.v3.Cluster", "load_assignment: !map { cluster_name: a }"],
    ["config.cluster.v3.Cluster", "load_assignment: !!set { cluster_name: a }"],
    ["config.route.v3.VirtualHost", "domains: [a, b,]"],
    ["config.route.v3.VirtualHost", "domains: [a b]"],
    ["config.route.v3.VirtualHost", "domains:\n- a\n- b"],
    ["config.route.v3.VirtualHost", "domains: [a: b]"],
    ["config.core.v3.Node", "metadata: { a: 1, }"],
    ["config.core.v3.Node", "metadata: { a, b: }"],
    ["config.core.v3.Node", "metadata: {a:1}"],
    ["config.core.v3.Node", 'metadata: {"a":1}'],
    ["config.core.v3.Node", "metadata: { __proto__: 1 }"],
    ["config.core.v3.Node", 'metadata: {\na: [\n1,\n"2"\n],\nb: { c: 3\n, d: 4 } # e\n}'],
    ["config.core.v3.Node", "metadata: {\ta:\t1,\n\tb: c\td\n\t}"],
    ["config.core.v3.Node", "metadata: { a: b\nc\n\n# d\n, e: it's\n'f' }"],
    ["config.core.v3.Node", 'metadata:\n  a: "b  \n  c\n\n  d\\\n  \\ e\\n\n  f\t"\n  g: h'],
    ["config.core.v3.Node", "metadata:\n  a: 'b  \nit''s\n\nc\t'\n  d: e"],
    ["config.core.v3.Node", String.raw`metadata: { a: "it\'s\\'" }`],
    ["config.core.v3.Node", 'metadata: { a: "b"#c\n}'],
    ["config.core.v3.Node", "metadata:\n  a: |# b\n    c\n  d: >-# e\n    f\n    g"],
    ["config.core.v3.Node", "metadata:\n  a: |\n    [ '\n  b: c[d\n    'e\n  f: [\n  'g\n  h' ]"],
    ["config.core.v3.Node", 'metadata: { a: ["b",\n"c": d,\n[\n]] }'],
    ["config.core.v3.Node", 'metadata: { a: "b\\\n\n  \n  c", d: "\n\n  ", e: "f\n\n \n\n  " }'],
    ["config.core.v3.Node", 'metadata: { g: "h\\n\n\n\n" }'],
    ["config.core.v3.Node", "metadata: { a: 'b\n\n \n\n  c\n\n\n\n', d: '\n\n', e: '\n', f: 'g\n\n' }"],
    ["config.core.v3.Node", "metadata: { a: [b, , c] }"],
    ["config.core.v3.Node", "metadata: { a: 1,, b: 2 }"],
    ["config.core.v3.Node", "metadata: { , a: 1 }"],
    ["config.core.v3.Node", "metadata: { a: -, b: 1 }"],
    ["config.core.v3.Node", "metadata: { a: b\fc }"],
  ],
  json: [
    ["config.cluster.v3.Cluster", '"name": "a", "name": "b"'],
    ["config.cluster.v3.Cluster", '"connect_timeout": { "seconds": 1 }, "connect_timeout": { "nanos": 1 }'],
    ["config.route.v3.VirtualHost", '"domains": ["a"], "domains": ["b"]'],
    ["config.core.v3.Node", '"metadata": { "a": 1, "a": 2 }'],
    ["config.cluster.v3.Cluster", '"connect_timeout": "1s", "connectTimeout": "2s"'],
    ["config.cluster.v3.Cluster", '"type": "eds", "cluster_type": { "name": "a" }'],
    ["config.cluster.v3.Cluster", '"type": "eds", "type": "static"'],
    ["config.cluster.v3.Cluster", '"type": "eds", "cluster_type": null'],
    ["config.cluster.v3.Cluster", 'name: "a"'],
    ["config.cluster.v3.Cluster", "'name': 'a'"],
    ["config.cluster.v3.Cluster", '"name": "a",'],
    ["config.route.v3.VirtualHost", '"domains": ["a",]'],
    ["config.route.v3.VirtualHost", '"domains": ["a" "b"]'],
    ["config.cluster.v3.Cluster", '"name": "a" /* b */'],
    ["config.cluster.v3.Cluster", '"name": "a" # b\n'],
    ["config.cluster.v3.Cluster", '"name": "a\tb"'],
    ["config.cluster.v3.Cluster", '"name": "a\nb"'],
    ["config.cluster.v3.Cluster", '"name": "\\ud83d"'],
    ["config.cluster.v3.Cluster", '"name" "a"'],
    ["config.cluster.v3.Cluster", '"name":"a","alt_stat_name":"b"'],
    ["config.cluster.v3.Cluster", '"name": !x "a"'],
    ["config.core.v3.Node", '"metadata": { "a": &a 1, "b": *a }'],
    ["config.core.v3.Node", '"metadata": { "<<": { "a": 1 } }'],
    ["config.core.v3.Node", '"metadata": { "__proto__": 1 }'],
    ["config.core.v3.Node", '"metadata": { "a": tru }'],
    ["config.core.v3.Node", '"metadata": { "a": }'],
    ["config.core.v3.Node", '"metadata": { "a" }'],
  ],
};

const fullName = (name: string) => (name.startsWith("google.") ? name : `envoy.${name}`);

/** All rows. A message of google.protobuf stands in an Any as its `value`. */
export const rows: readonly Row[] = formats.flatMap((format) => [
  ...Object.entries(kinds).flatMap(([kind, { field, both = [], ...own }]) => {
    const at = field.lastIndexOf(".");
    const [type, name] = [fullName(field.slice(0, at)), field.slice(at + 1)];
    return [...new Set([...both, ...(own[format] ?? [])])].map((value) => ({
      id: `${format}: ${kind}: ${value}`,
      format,
      type,
      text: format === "yaml" ? `${name}: ${value}` : `"${name}": ${value}`,
    }));
  }),
  ...contents[format].map(([name, text]) => ({
    id: `${format}: ${name}: ${text}`,
    format,
    type: fullName(name),
    text,
  })),
]);
