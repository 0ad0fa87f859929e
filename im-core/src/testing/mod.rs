//! For whoever implements a port or embeds the engine: conformance suites, a manual clock, fixtures.
