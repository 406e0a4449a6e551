package io.penstock.flink;

import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.streaming.connectors.kafka.table.KafkaDynamicTableFactory;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.factories.DynamicTableSourceFactory;

/**
 * The connector {@code penstock-kafka}: Flink's {@code kafka}, with its options, for sources that wake what is behind
 * them (see {@link WakeUp}) and whose group knows where a job was stopped (see {@link CommittingReader}).
 */
public final class WakingKafkaFactory implements DynamicTableSourceFactory {

    private final KafkaDynamicTableFactory kafka = new KafkaDynamicTableFactory();

    @Override
    public String factoryIdentifier() {
        return "penstock-kafka";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return kafka.requiredOptions();
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return kafka.optionalOptions();
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        var group = GroupOffsets.of(context.getCatalogTable().getOptions());
        return new WakingSource((ScanTableSource) kafka.createDynamicTableSource(context), group);
    }
}
