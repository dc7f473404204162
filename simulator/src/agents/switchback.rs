//! Agents with an operator who switches the policy by a schedule.

use crate::agents::Agents;
use crate::agents::messages::{AgentAction, AgentEvent};
use crate::scenario::switchback::Schedule;

/// The agents of a city, and an operator who switches the policy at each block of a schedule.
pub struct SwitchbackAgents<'a, A> {
    agents: &'a mut A,
    schedule: &'a Schedule,
    seed: u64,
    /// Number of the block that begins next.
    next_block: i64,
}

impl<'a, A: Agents> SwitchbackAgents<'a, A> {
    /// Adds an operator to `agents`. The seed decides the order of the policies.
    pub fn new(agents: &'a mut A, schedule: &'a Schedule, seed: u64) -> Self {
        Self { agents, schedule, seed, next_block: 0 }
    }

    fn next_switch_ms(&self) -> i64 {
        self.agents.begins_ms() + self.next_block * self.schedule.block_ms
    }
}

impl<A: Agents> Agents for SwitchbackAgents<'_, A> {
    fn begins_ms(&self) -> i64 {
        self.agents.begins_ms()
    }

    fn ends_ms(&self) -> i64 {
        self.agents.ends_ms()
    }

    fn vehicle_classes(&self) -> Vec<String> {
        self.agents.vehicle_classes()
    }

    fn next_ms(&self) -> Option<i64> {
        let switch_ms = self.next_switch_ms();
        Some(self.agents.next_ms().map_or(switch_ms, |next_ms| next_ms.min(switch_ms)))
    }

    fn step(&mut self, now_ms: i64, actions: &mut Vec<AgentAction>) {
        while self.next_switch_ms() <= now_ms {
            let policy = self.schedule.policies[self.schedule.policy(self.next_block, self.seed)];
            actions.push(AgentAction::SwitchPolicy { policy });
            self.next_block += 1;
        }
        self.agents.step(now_ms, actions);
    }

    fn on_event(&mut self, now_ms: i64, event: AgentEvent) {
        self.agents.on_event(now_ms, event);
    }
}
