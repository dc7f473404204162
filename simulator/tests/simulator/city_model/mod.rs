//! The city in the machine, driven by a tiny dispatcher instead of the service.

mod conserved;
mod double;
mod same;
mod scenarios;
mod tiny;

use kerb_simulator::lab::city::{City, CityRecord};
use kerb_simulator::lab::message::Said;
use kerb_simulator::lab::scenario::Scenario;

use double::Double;

/// Runs a city to its end, each answer at the moment of the question. Everything that was said, in order.
fn run(scenario: &Scenario, seed: u64, double: &mut Double) -> (CityRecord, Vec<Said>) {
    let loaded = scenario.load(None).unwrap();
    let (mut city, mut said, mut all) = (City::new(&loaded, seed), Vec::new(), Vec::new());
    while let Some(now_ms) = [city.next_ms(), double.next_ms()].into_iter().flatten().min() {
        if now_ms >= city.to_ms() {
            break;
        }
        city.step(now_ms, &mut said);
        for message in said.drain(..) {
            double.take(now_ms, &message);
            all.push(message);
        }
        for heard in double.answers(now_ms) {
            city.hear(now_ms, heard);
        }
    }
    (city.into_record(scenario.to_ms()), all)
}
