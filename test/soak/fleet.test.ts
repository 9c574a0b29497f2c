import { fleetTests } from "../cli/fleet-tests.js";

fleetTests({ envoys: 20, scripted: 200 }, { isLong: true });
