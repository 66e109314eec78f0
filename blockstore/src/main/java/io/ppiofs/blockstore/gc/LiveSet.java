package io.ppiofs.blockstore.gc;

import io.ppiofs.blockstore.Cid;

/** What must survive a sweep. May err only towards "live". Called from one thread at a time. */
@FunctionalInterface
public interface LiveSet {
    boolean contains(Cid cid);
}
