//! One order of what several traces tell: each in its own, what arrives after it was sent, and otherwise by time.

use super::read::File;

/// The events of a file to be put in order, each with the position in `order` that it has to wait for.
pub(crate) struct Queue {
    times: Vec<f64>,
    next: usize,
}

impl Queue {
    pub(crate) fn new(file: &File) -> Self {
        // What has no time has that of the next event, or at the end of the last one.
        let mut times: Vec<Option<f64>> = file.events.iter().map(|event| event.time()).collect();
        fill(times.iter_mut().rev());
        fill(times.iter_mut());
        Self { times: times.into_iter().map(Option::unwrap_or_default).collect(), next: 0 }
    }

    fn time(&self) -> Option<f64> {
        self.times.get(self.next).copied()
    }
}

fn fill<'a>(times: impl Iterator<Item = &'a mut Option<f64>>) {
    let mut last = None;
    for time in times {
        *time = time.or(last);
        last = *time;
    }
}

/// All events as pairs of file and position. `waits_for` says what has to come before an event, by file and
/// position.
pub(crate) fn order(
    mut queues: Vec<Queue>,
    waits_for: impl Fn(usize, usize) -> Option<(usize, usize)>,
) -> Vec<(usize, usize)> {
    let mut ordered: Vec<(usize, usize)> = Vec::new();
    let mut last = 0;
    loop {
        let mut heads: Vec<_> = queues
            .iter()
            .enumerate()
            .filter_map(|(file, queue)| queue.time().map(|time| (file, queue.next, time)))
            .collect();
        // Who spoke last goes on where the times do not tell.
        heads.sort_by(|one, other| one.2.total_cmp(&other.2).then((one.0 != last).cmp(&(other.0 != last))));
        let is_free = |head: &&(usize, usize, f64)| {
            waits_for(head.0, head.1)
                .is_none_or(|(file, position)| queues.get(file).is_none_or(|queue| position < queue.next))
        };
        // Traces that contradict each other wait for each other: the first one goes on.
        let Some((file, position, _)) = heads.iter().find(is_free).or(heads.first()).copied() else {
            return ordered;
        };
        ordered.push((file, position));
        last = file;
        if let Some(queue) = queues.get_mut(file) {
            queue.next = queue.next.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type At = (usize, usize);

    fn ordered(times: &[&[f64]], waits: &[(At, At)]) -> Vec<At> {
        let queues = times.iter().map(|times| Queue { times: times.to_vec(), next: 0 }).collect();
        order(queues, |file, position| {
            waits.iter().find(|(who, _)| *who == (file, position)).map(|(_, what)| *what)
        })
    }

    #[test]
    fn what_arrives_comes_after_it_was_sent_whatever_the_clocks_say() {
        let expected = [(0, 0), (1, 0), (1, 1), (0, 1)];
        // The second clock is an hour behind.
        assert_eq!(ordered(&[&[7.0, 8.0], &[1.0, 2.0]], &[((1, 0), (0, 0)), ((0, 1), (1, 1))]), expected);
        assert_eq!(ordered(&[&[1.0, 1.0], &[1.0, 1.0]], &[((1, 0), (0, 0)), ((0, 1), (1, 1))]), expected);
        // Without anything to wait for, time decides.
        assert_eq!(ordered(&[&[1.0, 4.0], &[2.0, 3.0]], &[]), expected);
    }

    #[test]
    fn traces_that_wait_for_each_other_are_told_all_the_same() {
        assert_eq!(ordered(&[&[1.0], &[2.0]], &[((0, 0), (1, 0)), ((1, 0), (0, 0))]), [(0, 0), (1, 0)]);
    }
}
