use std::time::Duration;

use kerb_aggregator::Options;
use kerb_aggregator::many::QUESTIONS_AT_ONCE_MAX;
use kerb_fleet::{DriverFilter, NearQuestion, NearbySearch};
use tokio::time::Instant;

use crate::fakes::{Cluster, NOW_MS, Script, center, names, nearest};

fn question(k: u32) -> NearQuestion {
    NearQuestion { point: center(), k, radius_m: 50_000.0, filter: DriverFilter::ANY }
}

fn in_200_ms() -> Instant {
    Instant::now() + Duration::from_millis(200)
}

/// More questions than run at once: each answer is the one to its own question.
#[tokio::test(start_paused = true)]
async fn answers_each_question_as_a_search_of_its_own() {
    let cluster = Cluster::new(3, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let count = QUESTIONS_AT_ONCE_MAX as u32 + 50;
    let questions: Vec<_> = (0..count).map(|i| question(1 + i % 16)).collect();
    let answers = aggregator.nearest(questions.clone(), in_200_ms()).await.unwrap();
    assert_eq!(answers.len(), questions.len());
    for (i, (question, answer)) in questions.iter().zip(&answers).enumerate() {
        assert!(answer.complete);
        let found = aggregator.find(nearest(question.k), in_200_ms()).await.unwrap();
        assert_eq!(names(&answer.hits), names(&found.hits), "question {i}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_makes_the_answers_partial_at_the_deadline() {
    let cluster = Cluster::new(2, 1);
    cluster.put_line();
    cluster.servers[0].set(Script::Silent);
    let aggregator = cluster.aggregator(Options::default());
    let deadline = in_200_ms();
    let answers = aggregator.nearest(vec![question(16), question(16)], deadline).await.unwrap();
    assert_eq!(Instant::now(), deadline);
    assert!(answers.iter().all(|answer| !answer.complete && !answer.hits.is_empty()));
    assert!(answers.iter().all(|answer| answer.hits.len() < 16));
}

#[tokio::test(start_paused = true)]
async fn takes_the_filter_as_it_is_and_refuses_an_impossible_circle() {
    let cluster = Cluster::new(1, 1);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let filter = DriverFilter { time_min_ms: NOW_MS + 1, ..DriverFilter::ANY };
    let future = NearQuestion { filter, ..question(4) };
    let answers = aggregator.nearest(vec![future, question(4)], in_200_ms()).await.unwrap();
    assert_eq!(answers.iter().map(|answer| answer.hits.len()).collect::<Vec<_>>(), [0, 4]);
    let wrong = NearQuestion { point: center(), k: 1, radius_m: -1.0, filter: DriverFilter::ANY };
    let error = aggregator.nearest(vec![wrong], in_200_ms()).await.unwrap_err();
    assert!(error.to_string().contains("-1"), "{error}");
}
