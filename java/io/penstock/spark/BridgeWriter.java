package io.penstock.spark;

import java.util.IdentityHashMap;
import java.util.Map;
import org.apache.spark.sql.ForeachWriter;
import org.apache.spark.sql.Row;

/**
 * What Spark's tasks write into: rows wait for Python, and a task ends when all of its rows have been delivered.
 *
 * <p>So Spark takes note of rows only once what was made of them is in Kafka. Rows that were let in by an earlier task
 * are not let in again, but waited for.
 */
public final class BridgeWriter extends ForeachWriter<Row> {

    private static final long serialVersionUID = 1;

    // The columns that a query has, in this order (jobs/spark_job/bridge.py, COLUMNS).
    static final int KEY = 0;
    static final int VALUE = 1;
    static final int TOPIC = 2;
    static final int PARTITION = 3;
    static final int OFFSET = 4;
    static final int TIMESTAMP = 5;
    static final int HEADERS = 6;

    private final String name;
    private transient Bridge bridge;
    private transient Map<Position, Long> last;
    private transient Position position;

    BridgeWriter(String name) {
        this.name = name;
    }

    @Override
    public boolean open(long partition, long epoch) {
        bridge = Bridge.named(name);
        last = new IdentityHashMap<>();
        position = null;
        return true;
    }

    @Override
    public void process(Row row) {
        try {
            String topic = row.getString(TOPIC);
            int partition = row.getInt(PARTITION);
            if (position == null || position.partition != partition || !position.topic.equals(topic)) {
                position = bridge.position(topic, partition);
            }
            long offset = row.getLong(OFFSET);
            if (position.knows(offset)) {
                recognize(offset);
            }
            if (!bridge.enter(new Waiting(position, row))) {
                bridge.skipped();
            }
            last.put(position, offset);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** A row comes again after a query was started again, or with a topic that was made anew under the same name. */
    private void recognize(long offset) throws InterruptedException {
        Long before = last.get(position);
        boolean first = before == null;
        if (first || offset <= before) {
            position = bridge.recognized(position);
        }
    }

    @Override
    public void close(Throwable error) {
        if (error != null || last == null) {
            return; // the task has failed or was stopped: what of it was let in is delivered all the same
        }
        try {
            for (Map.Entry<Position, Long> each : last.entrySet()) {
                each.getKey().await(each.getValue(), bridge);
            }
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static RuntimeException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException("the task was stopped", e);
    }
}
