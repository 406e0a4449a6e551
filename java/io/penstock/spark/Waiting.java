package io.penstock.spark;

import java.util.List;
import org.apache.spark.sql.Row;

/** A record on its way: let in by a task of Spark's, until what Python makes of it has been acknowledged. */
final class Waiting {

    final Position position;
    final String topic;
    final int partition;
    final long offset;
    final long timestamp;
    final byte[] key;
    final byte[] value;
    /** Own headers, each of name and bytes; null where there are none. */
    final List<Row> headers;
    /** What they take in Kafka, at most; counted once, for it is asked for thrice. */
    final int headerBytes;
    /** Guarded by its position. */
    boolean delivered;

    Waiting(Position position, Row row) {
        this.position = position;
        this.topic = position.topic;
        this.partition = position.partition;
        this.offset = row.getLong(BridgeWriter.OFFSET);
        this.timestamp = row.getLong(BridgeWriter.TIMESTAMP);
        this.key = (byte[]) row.get(BridgeWriter.KEY);
        this.value = (byte[]) row.get(BridgeWriter.VALUE);
        this.headers = row.isNullAt(BridgeWriter.HEADERS) ? null : row.getList(BridgeWriter.HEADERS);
        this.headerBytes = Headers.size(headers);
    }

    int bytes() {
        return headerBytes + (key == null ? 0 : key.length) + (value == null ? 0 : value.length);
    }
}
