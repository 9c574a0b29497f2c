/// <reference types="node" preserve="true" />
export { DirectorySource, type DirectorySourceOptions, type LayeredGroup } from "./directory.js";
export type { DumpFacts } from "./documents/dump-facts.js";
export type { Unserved } from "./documents/unserved.js";
export type { LayerPath } from "./files/layer-path.js";
export { formatProblem, type Place, type Problem } from "./files/problem.js";
export { commonLayer, configurationOf, viewOf } from "./reading/layers.js";
export type { Configuration, GoodReading, Layer, Reading, RemovedResource, Source } from "./reading/source.js";
