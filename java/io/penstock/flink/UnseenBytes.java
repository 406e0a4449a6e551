package io.penstock.flink;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * SQL function that says how many bytes a record needs in Kafka besides its value: its key, its headers and what Kafka
 * writes around them. Python checks records' sizes with it, so that key and headers need not cross.
 */
public final class UnseenBytes extends ScalarFunction {

    /** Kafka's own upper bounds: a batch's header 61, a record's length, deltas and flags 21, three lengths of 5 each. */
    private static final int RECORD = 97;
    /** Two variable-length integers, five bytes each at most. */
    private static final int HEADER = 10;

    /** Returns an upper bound in bytes. */
    public Integer eval(
            @DataTypeHint("BYTES") byte[] key,
            @DataTypeHint(value = "MAP<STRING, BYTES>", bridgedTo = MapData.class) MapData headers) {
        int bytes = RECORD + (key == null ? 0 : key.length);
        int count = headers == null ? 0 : headers.size();
        if (count == 0) {
            return bytes;
        }
        ArrayData names = headers.keyArray();
        ArrayData values = headers.valueArray();
        for (int i = 0; i < count; i++) {
            StringData name = names.getString(i);
            bytes += HEADER + name.toBytes().length + (values.isNullAt(i) ? 0 : values.getBinary(i).length);
        }
        return bytes;
    }
}
