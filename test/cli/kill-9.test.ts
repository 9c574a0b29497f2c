import { it } from "vitest";
import { describeWithEnvoy } from "../e2e/envoy.js";
import { adsDelta, adsSotw } from "../e2e/modes.js";
import { killsUnderLoad, shapes } from "./kills-under-load.js";

for (const mode of [adsDelta, adsSotw])
  describeWithEnvoy(
    `Envoy, ${mode.name}: no request fails when the server is killed in the middle of swaps (P54)`,
    () => {
      for (const shape of [shapes.rds, shapes.inline]) it(shape.name, () => killsUnderLoad(shape, { mode, kills: 3 }));
    },
  );
