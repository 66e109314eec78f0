package io.ppiofs.overlay.gossip;

import java.util.concurrent.atomic.LongAdder;

/** What has happened so far; counted on any thread. */
final class GossipCounters {
    final LongAdder published = new LongAdder();
    final LongAdder delivered = new LongAdder();
    final LongAdder duplicates = new LongAdder();
    final LongAdder forwarded = new LongAdder();
    final LongAdder rejected = new LongAdder();
    final LongAdder ignored = new LongAdder();
    final LongAdder throttled = new LongAdder();
    final LongAdder malformed = new LongAdder();
    final LongAdder graylisted = new LongAdder();
    final LongAdder excess = new LongAdder();
    final LongAdder haveSent = new LongAdder();
    final LongAdder wantSent = new LongAdder();
    final LongAdder wantServed = new LongAdder();
    final LongAdder brokenPromises = new LongAdder();
    final LongAdder grafts = new LongAdder();
    final LongAdder prunes = new LongAdder();
    final LongAdder droppedGossip = new LongAdder();
    final LongAdder droppedForwards = new LongAdder();
    final LongAdder slowPeers = new LongAdder();
    final LongAdder sentFrames = new LongAdder();
}
