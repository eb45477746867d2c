export { nearest } from "../config/nearest.ts";
