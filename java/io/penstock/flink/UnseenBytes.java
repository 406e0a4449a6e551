package io.penstock.flink;

import java.nio.ByteBuffer;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * SQL function that says how many bytes a record needs in Kafka besides its value: its key, its headers and what Kafka
 * writes around them. Python checks records' sizes with it, so that key and headers need not cross.
 */
public final class UnseenBytes extends ScalarFunction {

    /** Kafka's own upper bounds: a batch's header 61, a record's length, deltas and flags 21, three lengths of 5 each. */
    private static final int RECORD = 97;
    /** Two variable-length integers, five bytes each at most; {@link PackHeaders} writes four bytes for each. */
    private static final int HEADER = 2 * (5 - Integer.BYTES);

    /** Returns an upper bound in bytes; {@code headers} as {@link PackHeaders} packed them. */
    public Integer eval(@DataTypeHint("BYTES") byte[] key, @DataTypeHint("BYTES") byte[] headers) {
        int bytes = RECORD + (key == null ? 0 : key.length);
        if (headers == null) {
            return bytes;
        }
        ByteBuffer packed = ByteBuffer.wrap(headers);
        int end = Integer.BYTES + packed.getInt();
        int count = 0;
        while (packed.position() < end) {
            packed.position(packed.getInt() + packed.position());
            count++;
        }
        return bytes + headers.length - Integer.BYTES + count * HEADER;
    }
}
