import { describe } from "vitest";
import { storeContract } from "../../test/contract/store.js";
import { MemoryStore } from "./memory-store.js";

describe("MemoryStore keeps the store contract", () => storeContract(async () => new MemoryStore()));
