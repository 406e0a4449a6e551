package io.penstock.spark;

import java.util.ArrayDeque;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.common.Uuid;

/** How far one partition of a topic is: which of its rows were let in, and up to which all have been delivered. */
final class Position {

    final String topic;
    final int partition;
    /** The topic's own id, null where it is not known: one that is made anew under the old name has another. */
    final Uuid identity;

    /** One row after the other, even when a query that ends and the next one have a task each for a while. */
    private final ReentrantLock entry = new ReentrantLock();
    /** The last row that was let in, guarded by the entry. */
    private volatile long accepted;

    private final ArrayDeque<Waiting> open = new ArrayDeque<>();
    private long delivered;
    private long committed;

    Position(String topic, int partition, Uuid identity, long next) {
        this.topic = topic;
        this.partition = partition;
        this.identity = identity;
        this.accepted = next - 1;
        this.delivered = next - 1;
        this.committed = next;
    }

    /** Whether a row was let in before. */
    boolean knows(long offset) {
        return offset <= accepted;
    }

    /** Lets a row in if it is a new one, which waits while the queue is full; says whether it was. */
    boolean enter(Waiting row, Rows queue) throws InterruptedException {
        entry.lockInterruptibly();
        try {
            if (knows(row.offset)) {
                return false;
            }
            synchronized (this) {
                open.addLast(row);
            }
            boolean in = false;
            try {
                queue.put(row);
                in = true;
            } finally {
                if (!in) {
                    synchronized (this) {
                        open.removeLast();
                    }
                }
            }
            accepted = row.offset;
            return true;
        } finally {
            entry.unlock();
        }
    }

    synchronized void deliver(Waiting row) {
        row.delivered = true;
        boolean moved = false;
        while (!open.isEmpty() && open.peekFirst().delivered) {
            delivered = open.pollFirst().offset;
            moved = true;
        }
        if (moved) {
            notifyAll();
        }
    }

    /** Waits until all rows up to an offset have been delivered, or the bridge has failed. */
    synchronized void await(long offset, Bridge bridge) throws InterruptedException {
        while (delivered < offset) {
            bridge.check();
            wait(1000);
        }
    }

    synchronized void wake() {
        notifyAll();
    }

    /** The offset that follows the last row that was delivered with all before it. */
    synchronized long next() {
        return delivered + 1;
    }

    synchronized long committed() {
        return committed;
    }

    synchronized void committed(long next) {
        committed = Math.max(committed, next);
    }
}
