//! Tokens made for real, good ones and bad ones, against keys from files and from servers.

mod bad;
mod forge;
mod good;
mod issuer;
mod minted;
mod rotation;
