//! What the tests share: processes, clusters, driver apps, gateways, and a city of riders and cabs.

pub(crate) mod city;
pub(crate) mod cluster;
pub(crate) mod driver;
pub(crate) mod eventually;
pub(crate) mod gateway;
pub(crate) mod process;
pub(crate) mod search;
