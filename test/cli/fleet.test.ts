import { fleetTests } from "./fleet-tests.js";

fleetTests({ envoys: 4, scripted: 200 });
