package io.penstock.flink;

import java.time.Duration;
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
 * Sends a record of its own once the task runs, and again where no other has come for some time; others pass as they
 * are.
 *
 * <p>Flink opens a Python function with the first record that comes to it, and sees with the next one that its process
 * has died. Until then a worker follows no routing document, loads no model, and nobody sees it; then a record waits for
 * all of that. Those sent here open it at once, and again soon after it was lost. They are of no topic and no partition
 * (-1), by which they are left out again behind the function.
 */
final class WakeUp extends AbstractStreamOperator<RowData> implements OneInputStreamOperator<RowData, RowData> {

    private static final long serialVersionUID = 1L;

    private final List<LogicalType> fields;
    private final Duration interval;
    private transient boolean awake;

    WakeUp(List<LogicalType> fields, Duration interval) {
        this.fields = new ArrayList<>(fields); // a list that can be serialized
        this.interval = interval;
    }

    @Override
    public void open() throws Exception {
        super.open();
        awake = false;
        var time = getProcessingTimeService();
        time.registerTimer(time.getCurrentProcessingTime(), this::wake);
    }

    @Override
    public void processElement(StreamRecord<RowData> record) {
        awake = true;
        output.collect(record);
    }

    private void wake(long now) {
        if (!awake) {
            output.collect(new StreamRecord<>(ofNothing()));
        }
        awake = false;
        getProcessingTimeService().registerTimer(now + interval.toMillis(), this::wake);
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
