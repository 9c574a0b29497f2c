import { it } from "vitest";
import { killsUnderLoad, shapes } from "../cli/kills-under-load.js";
import { describeWithEnvoy } from "../e2e/envoy.js";
import { adsDelta, adsSotw } from "../e2e/modes.js";

const timeout = 900_000;

for (const mode of [adsDelta, adsSotw])
  describeWithEnvoy(
    `Envoy, ${mode.name}: no request fails when the server is killed in the middle of 30 swaps (P54)`,
    () => {
      for (const shape of Object.values(shapes))
        it(shape.name, { timeout }, () => killsUnderLoad(shape, { mode, kills: 30 }));

      it(`${shapes.rds.name}, 20 Envoys`, { timeout }, () =>
        killsUnderLoad(shapes.rds, { mode, kills: 10, envoys: 20 }),
      );
    },
  );
