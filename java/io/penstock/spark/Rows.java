package io.penstock.spark;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The rows that wait for Python, bounded in number and in bytes: who brings more waits. */
final class Rows {

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition notEmpty = lock.newCondition();
    private final Condition notFull = lock.newCondition();
    private final ArrayDeque<Waiting> rows = new ArrayDeque<>();
    private final Bridge bridge;
    private final int mostRows;
    private final long mostBytes;
    private long bytes;
    private boolean shut;

    Rows(Bridge bridge, int mostRows, long mostBytes) {
        this.bridge = bridge;
        this.mostRows = mostRows;
        this.mostBytes = mostBytes;
    }

    /** Appends a row; waits while there is no room, and while nothing is to come in any more. */
    void put(Waiting row) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            bridge.check();
            while (shut || rows.size() >= mostRows || bytes >= mostBytes) {
                notFull.await(1, TimeUnit.SECONDS);
                bridge.check();
            }
            bridge.accepted();
            rows.addLast(row);
            bytes += row.bytes();
            notEmpty.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Takes what waits, up to a number of rows and about a number of bytes; waits for the first one. */
    List<Waiting> take(int most, long mostBytes, long waitMs) throws InterruptedException {
        long left = TimeUnit.MILLISECONDS.toNanos(waitMs);
        List<Waiting> taken = new ArrayList<>();
        lock.lockInterruptibly();
        try {
            while (rows.isEmpty()) {
                bridge.check();
                if (left <= 0) {
                    return taken;
                }
                left = notEmpty.awaitNanos(left);
            }
            long size = 0;
            while (!rows.isEmpty() && taken.size() < most && size < mostBytes) {
                Waiting row = rows.pollFirst();
                size += row.bytes();
                taken.add(row);
            }
            bytes -= size;
            notFull.signalAll();
            return taken;
        } finally {
            lock.unlock();
        }
    }

    int size() {
        lock.lock();
        try {
            return rows.size();
        } finally {
            lock.unlock();
        }
    }

    /** From now on nothing comes in. */
    void shut() {
        lock.lock();
        try {
            shut = true;
        } finally {
            lock.unlock();
        }
    }

    /** Lets everybody who waits look again. */
    void wake() {
        lock.lock();
        try {
            notEmpty.signalAll();
            notFull.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
