"""Commands of the coding engine that need no server: `rcm code`, `rcm codes`, `rcm codesets`, `rcm cac`."""
