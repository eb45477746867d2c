import type { Command } from "commander";

export function manual(program: Command, version: string, epoch: number): string;
