package io.penstock.flink;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.table.data.GenericMapData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.logical.LogicalType;

/**
 * Sends one record of its own, once the task runs; all others pass as they are.
 *
 * <p>Flink opens a Python function with the first record that comes to it. Until then a worker follows no routing
 * document, loads no model, and nobody sees it; then the first record waits for all of that. The record sent here opens
 * it at once. It is of no topic and no partition (-1), by which it is left out again behind the function.
 */
final class WakeUp extends AbstractStreamOperator<RowData> implements OneInputStreamOperator<RowData, RowData> {

    private static final long serialVersionUID = 1L;

    private final List<LogicalType> fields;

    WakeUp(List<LogicalType> fields) {
        this.fields = new ArrayList<>(fields); // a list that can be serialized
    }

    @Override
    public void open() throws Exception {
        super.open();
        var time = getProcessingTimeService();
        time.registerTimer(time.getCurrentProcessingTime(), now -> output.collect(new StreamRecord<>(ofNothing())));
    }

    @Override
    public void processElement(StreamRecord<RowData> record) {
        output.collect(record);
    }

    private RowData ofNothing() {
        return GenericRowData.of(fields.stream().map(WakeUp::nothing).toArray());
    }

    /** Null where there may be none. */
    private static Object nothing(LogicalType type) {
        if (type.isNullable()) {
            return null;
        }
        return switch (type.getTypeRoot()) {
            case INTEGER -> -1;
            case BIGINT -> -1L;
            case VARCHAR -> StringData.fromString("");
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE -> TimestampData.fromEpochMillis(0);
            case MAP -> new GenericMapData(Map.of());
            default -> throw new IllegalStateException("no column of a Kafka table: " + type);
        };
    }
}
