package io.penstock.flink;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.connector.kafka.source.enumerator.KafkaSourceEnumState;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.transformations.SourceTransformation;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.abilities.SupportsReadingMetadata;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;

/** A source of Kafka records that is a {@link CommittingSource}, with a {@link WakeUp} behind it. */
final class WakingSource implements ScanTableSource, SupportsReadingMetadata {

    private static final String NAME = "wake-up";
    private static final ConfigOption<Duration> INTERVAL =
            ConfigOptions.key("penstock.wake-up-interval").durationType().noDefaultValue();

    private final ScanTableSource kafka;
    private final GroupOffsets group;
    private List<LogicalType> fields = List.of();

    WakingSource(ScanTableSource kafka, GroupOffsets group) {
        this.kafka = kafka;
        this.group = group;
    }

    @Override
    public ChangelogMode getChangelogMode() {
        return kafka.getChangelogMode();
    }

    @Override
    public Map<String, DataType> listReadableMetadata() {
        return ((SupportsReadingMetadata) kafka).listReadableMetadata();
    }

    @Override
    public void applyReadableMetadata(List<String> keys, DataType produced) {
        ((SupportsReadingMetadata) kafka).applyReadableMetadata(keys, produced);
        fields = produced.getLogicalType().getChildren();
    }

    @Override
    public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
        DataStreamScanProvider records = (DataStreamScanProvider) kafka.getScanRuntimeProvider(context);
        List<LogicalType> columns = fields;
        return new DataStreamScanProvider() {
            @Override
            public DataStream<RowData> produceDataStream(ProviderContext provider, StreamExecutionEnvironment env) {
                DataStream<RowData> stream = committing(records.produceDataStream(provider, env), env);
                WakeUp wakeUp = new WakeUp(columns, env.getConfiguration().get(INTERVAL));
                SingleOutputStreamOperator<RowData> woken = stream.transform(NAME, stream.getType(), wakeUp);
                provider.generateUid(NAME).ifPresent(woken::uid);
                return woken.setParallelism(stream.getParallelism());
            }

            @Override
            public boolean isBounded() {
                return records.isBounded();
            }

            @Override
            public Optional<Integer> getParallelism() {
                return records.getParallelism();
            }
        };
    }

    /** The same, with a source of ours around Flink's, which is in no pipeline then. */
    private DataStream<RowData> committing(DataStream<RowData> stream, StreamExecutionEnvironment env) {
        @SuppressWarnings("unchecked") // it is Kafka's: nothing else stands in the transformation of its stream
        var flinks = (SourceTransformation<RowData, KafkaPartitionSplit, KafkaSourceEnumState>) stream.getTransformation();
        var source = new CommittingSource<>(flinks.getSource(), group);
        var ours = env.fromSource(source, flinks.getWatermarkStrategy(), flinks.getName(), flinks.getOutputType());
        if (flinks.getUid() != null) {
            ours.uid(flinks.getUid());
        }
        return ours.setParallelism(stream.getParallelism());
    }

    @Override
    public DynamicTableSource copy() {
        WakingSource copy = new WakingSource((ScanTableSource) kafka.copy(), group);
        copy.fields = fields;
        return copy;
    }

    @Override
    public String asSummaryString() {
        return kafka.asSummaryString();
    }
}
