package io.penstock.flink;

import java.nio.ByteBuffer;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.TableFunction;

/**
 * SQL table function that gives the records that become of one event: what Python says of it, and then the further
 * ones that it packed into the last column (penstock/event.py, pack_more). An event that goes nowhere gives none.
 *
 * <p>Nearly all events become one record. That one is passed on as it is, so that what it costs is a call. All records
 * have the fields of what Python says, so that whatever is done to a record's value and headers is done behind this, to
 * the first as to the further ones.
 */
public final class EachRecord extends TableFunction<RowData> {

    private static final String RECORD = "ROW<`topic` STRING, `value` BYTES, `headers` STRING, `more` BYTES>";
    private static final int TOPIC = 0;
    private static final int MORE = 3;

    /** Collects the record itself, and those in its last field, which theirs have not. */
    @FunctionHint(output = @DataTypeHint(value = RECORD, bridgedTo = RowData.class))
    public void eval(@DataTypeHint(value = RECORD, bridgedTo = RowData.class) RowData record) {
        if (record == null || record.isNullAt(TOPIC)) {
            return;
        }
        collect(record);
        if (!record.isNullAt(MORE)) {
            ByteBuffer packed = ByteBuffer.wrap(record.getBinary(MORE));
            while (packed.hasRemaining()) {
                StringData topic = StringData.fromBytes(next(packed));
                byte[] value = next(packed);
                StringData headers = StringData.fromBytes(next(packed));
                collect(GenericRowData.of(topic, value, headers, null));
            }
        }
    }

    /** Returns the next field; null where its length is below 0. */
    private static byte[] next(ByteBuffer packed) {
        int length = packed.getInt();
        if (length < 0) {
            return null;
        }
        byte[] field = new byte[length];
        packed.get(field);
        return field;
    }
}
