package io.penstock.flink;

import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * SQL function that says whether a delivery becomes a record: Python has named a topic for it, and it is of a record,
 * not of a {@link WakeUp}. One function for both, because the planner would ask for the partition before Python.
 */
public final class IsWritten extends ScalarFunction {

    /** Says it for the topic that Python named, and the partition that the record was read from. */
    public boolean eval(@DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData topic, int partition) {
        return topic != null && partition >= 0;
    }
}
