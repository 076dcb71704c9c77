//! Gated fake operations under the manager.
