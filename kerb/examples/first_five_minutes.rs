//! A driver reports a position, and a search finds the driver. A first integration needs no other calls of the public API.
//!
//! `cargo run -p kerb --example first_five_minutes` starts a node in this process. With an address as its argument the
//! example calls a running node instead.

use std::error::Error;
use std::time::Duration;

use futures::stream;
use kerb::settings::DataDir;
use kerb::{ALL_ROLES, Node, Settings};
use kerb_proto::v1::connect_request::Message;
use kerb_proto::v1::driver_service_client::DriverServiceClient;
use kerb_proto::v1::find_nearby_request::Search;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_proto::v1::{
    ConnectRequest, DriverStatus, FindNearbyRequest, FindNearbyResponse, LatLng, NearestSearch,
    PositionUpdate, Register,
};
use tonic::transport::{Channel, Endpoint};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (node, address) = match std::env::args().nth(1) {
        Some(address) => (None, address),
        None => start().await?,
    };
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    let reported = report(channel.clone(), "cab-7", 37.7749, -122.4194).await?;
    println!("cab-7 is registered at {reported}");
    // An update reaches the searches within a batch interval, 100 ms by default.
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let response = loop {
        ticks.tick().await;
        let response = nearest(channel.clone(), 37.7750, -122.4180).await?;
        if !response.drivers.is_empty() {
            break response;
        }
    };
    for driver in response.drivers {
        println!("{} is {:.0} m away", driver.driver_id, driver.distance_m);
    }
    if let Some(node) = node {
        node.shutdown().await;
    }
    Ok(())
}

/// Starts a node with all roles on a free port, without a data folder.
async fn start() -> Result<(Option<Node>, String), Box<dyn Error>> {
    let mut settings = Settings::default();
    settings.node.listen = Some("127.0.0.1:0".parse()?);
    settings.node.data_dir = DataDir(None);
    let node = Node::start(settings, &ALL_ROLES).await?;
    let address = node.address().to_string();
    Ok((Some(node), address))
}

/// Registers a driver and reports one position. Returns the name of the ingest node.
async fn report(channel: Channel, id: &str, lat: f64, lon: f64) -> Result<String, Box<dyn Error>> {
    let register =
        Register { driver_id: id.to_owned(), vehicle_class: "standard".to_owned(), ..Register::default() };
    let position = PositionUpdate {
        sequence: 1,
        latitude_deg: lat,
        longitude_deg: lon,
        status: DriverStatus::Available.into(),
        ..PositionUpdate::default()
    };
    let messages = [Message::Register(register), Message::Position(position)];
    let requests = messages.map(|message| ConnectRequest { message: Some(message) });
    let mut responses = DriverServiceClient::new(channel).connect(stream::iter(requests)).await?.into_inner();
    let first = responses.message().await?.and_then(|response| response.message);
    let Some(kerb_proto::v1::connect_response::Message::Registered(registered)) = first else {
        return Err(format!("not registered: {first:?}").into());
    };
    // The server ends the stream after it has handled all messages.
    while responses.message().await?.is_some() {}
    Ok(registered.node_id)
}

/// Searches the three nearest drivers within 5 km.
async fn nearest(channel: Channel, lat: f64, lon: f64) -> Result<FindNearbyResponse, Box<dyn Error>> {
    let point = Some(LatLng { latitude_deg: lat, longitude_deg: lon });
    let search = Search::Nearest(NearestSearch { point, k: 3, radius_m: 5_000.0 });
    let request = FindNearbyRequest { search: Some(search), ..FindNearbyRequest::default() };
    Ok(NearbyServiceClient::new(channel).find_nearby(request).await?.into_inner())
}
