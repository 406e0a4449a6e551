package io.penstock.flink;

import java.io.Serializable;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.Admin;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.AlterConsumerGroupOffsetsOptions;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.admin.ListConsumerGroupOffsetsOptions;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.TopicPartition;

/** How far a consumer group is, in Kafka. */
final class GroupOffsets implements Serializable {

    private static final long serialVersionUID = 1L;

    private static final String OF_CLIENTS = "properties.";
    private static final String GROUP = "group.id";

    private final String group;
    private final HashMap<String, Object> properties = new HashMap<>();

    private GroupOffsets(String group) {
        this.group = group;
    }

    /** Those of the group that the options of a table of Flink's connector name. */
    static GroupOffsets of(Map<String, String> options) {
        GroupOffsets found = new GroupOffsets(options.get(OF_CLIENTS + GROUP));
        for (String name : AdminClientConfig.configNames()) {
            if (options.containsKey(OF_CLIENTS + name)) {
                found.properties.put(name, options.get(OF_CLIENTS + name));
            }
        }
        return found;
    }

    /**
     * Move the group on to these offsets; where it is further already, it stays.
     *
     * @param patience for each of two questions
     */
    void raise(Map<TopicPartition, Long> offsets, Duration patience) throws ExecutionException, InterruptedException {
        int limit = Math.toIntExact(patience.toMillis());
        Admin kafka = Admin.create(new HashMap<>(properties));
        try {
            var options = new ListConsumerGroupOffsetsOptions().timeoutMs(limit);
            var known = kafka.listConsumerGroupOffsets(group, options).partitionsToOffsetAndMetadata().get();
            Map<TopicPartition, OffsetAndMetadata> higher = new HashMap<>();
            offsets.forEach((partition, offset) -> {
                OffsetAndMetadata now = known.get(partition);
                if (now == null || now.offset() < offset) {
                    higher.put(partition, new OffsetAndMetadata(offset));
                }
            });
            if (!higher.isEmpty()) {
                var bounded = new AlterConsumerGroupOffsetsOptions().timeoutMs(limit);
                kafka.alterConsumerGroupOffsets(group, higher, bounded).all().get();
            }
        } finally {
            kafka.close(Duration.ZERO);
        }
    }
}
