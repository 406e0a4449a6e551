package io.penstock.flink;

import io.penstock.headers.AddedHeaders;
import io.penstock.headers.RecordTimes;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.binary.BinaryStringData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * SQL function that puts the headers that Python adds onto a record's own; an added header replaces an own one.
 *
 * <p>Python packs the added headers into one string ({@link AddedHeaders}). Building the map from SQL's own functions costs
 * several times as much as the whole of Python's work (docs/adr/0006).
 */
public final class AddHeaders extends ScalarFunction {

    /** Most records share a handful of strings; dead letters do not, so what is kept is bounded. */
    private static final int MOST_KEPT = 1024;

    private transient Map<StringData, Added> kept;
    private transient Own lastOwn;
    private transient StringData lastTopic;
    private transient String topicText;
    private transient RecordTimes times;

    @Override
    public void open(FunctionContext context) {
        kept = new HashMap<>();
        lastOwn = null;
        lastTopic = null;
        times = new RecordTimes();
    }

    /** Returns the record's headers, own ones as {@link PackHeaders} packed them; {@code packed} null adds none. */
    public @DataTypeHint(value = "MAP<STRING, BYTES>", bridgedTo = MapData.class) MapData eval(
            @DataTypeHint("BYTES") byte[] own,
            @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData packed,
            @DataTypeHint(value = "STRING", bridgedTo = StringData.class) StringData topic,
            Integer partition,
            Long offset,
            @DataTypeHint(value = "TIMESTAMP_LTZ(3)", bridgedTo = TimestampData.class) TimestampData timestamp) {
        Added added = packed == null ? Added.NOTHING : kept.get(packed);
        if (added == null) {
            added = keep(packed);
        }
        byte[] place = added.hasPlace() ? place(topic, partition, offset) : null;
        byte[] time = added.hasTime() ? times.of(timestamp.getMillisecond()) : null;
        if (own == null) {
            return new Headers(added.names, added.filled(place, time));
        }
        if (lastOwn == null || !lastOwn.names(own)) {
            lastOwn = Own.of(own);
        }
        Merged merged = lastOwn.with(added);
        Object[] values = new Object[merged.names.length];
        int count = lastOwn.values(own, merged.keeps, values);
        Object[] texts = added.filled(place, time);
        System.arraycopy(texts, 0, values, count, texts.length);
        return new Headers(merged.names, values);
    }

    private byte[] place(StringData topic, int partition, long offset) {
        if (!topic.equals(lastTopic)) {
            topicText = topic.toString() + '/';
            lastTopic = ((BinaryStringData) topic).copy();
        }
        return (topicText + partition + '/' + offset).getBytes(StandardCharsets.ISO_8859_1); // legal names are ASCII
    }

    private Added keep(StringData packed) {
        StringData copy = ((BinaryStringData) packed).copy();
        Added added = new Added(AddedHeaders.unpack(copy.toBytes()));
        if (kept.size() >= MOST_KEPT) {
            kept.clear();
        }
        kept.put(copy, added);
        return added;
    }

    /** Added headers, their names as Flink has them. */
    private static final class Added {

        static final Added NOTHING = new Added(AddedHeaders.NONE);

        private final AddedHeaders headers;
        private final StringData[] names;

        private Added(AddedHeaders headers) {
            this.headers = headers;
            // A name that was turned into a Java string once stays one: the sink asks for it every time.
            this.names = Arrays.stream(headers.names()).map(StringData::fromString).toArray(StringData[]::new);
        }

        boolean hasPlace() {
            return headers.hasPlace();
        }

        boolean hasTime() {
            return headers.hasTime();
        }

        /** Returns the values with the blanks filled in. */
        Object[] filled(byte[] place, byte[] time) {
            return headers.filled(place, time);
        }

        boolean replaces(StringData name) {
            for (StringData mine : names) {
                if (mine.equals(name)) {
                    return true;
                }
            }
            return false;
        }
    }

    /** Names of own headers. Neighbours in a stream mostly have the same, so what follows from them is kept. */
    private static final class Own {

        private final byte[] block;
        private final StringData[] names;
        private final Map<Added, Merged> merged = new IdentityHashMap<>();

        private Own(byte[] block, StringData[] names) {
            this.block = block;
            this.names = names;
        }

        static Own of(byte[] packed) {
            byte[] block = Arrays.copyOf(packed, Integer.BYTES + ByteBuffer.wrap(packed).getInt());
            ByteBuffer rest = ByteBuffer.wrap(block).position(Integer.BYTES);
            List<StringData> names = new ArrayList<>();
            while (rest.hasRemaining()) {
                byte[] name = new byte[rest.getInt()];
                rest.get(name);
                // A name that was turned into a Java string once stays one: the sink asks for it every time.
                names.add(StringData.fromString(new String(name, StandardCharsets.UTF_8)));
            }
            return new Own(block, names.toArray(new StringData[0]));
        }

        /** Whether packed headers have these names. */
        boolean names(byte[] packed) {
            return packed.length >= block.length && Arrays.equals(packed, 0, block.length, block, 0, block.length);
        }

        Merged with(Added added) {
            Merged found = merged.get(added);
            if (found == null) {
                if (merged.size() >= MOST_KEPT) {
                    merged.clear();
                }
                found = new Merged(names, added);
                merged.put(added, found);
            }
            return found;
        }

        /** Copies the values that stay; returns how many. */
        int values(byte[] packed, boolean[] keeps, Object[] into) {
            ByteBuffer rest = ByteBuffer.wrap(packed).position(block.length);
            int count = 0;
            for (boolean keep : keeps) {
                int length = rest.getInt();
                int start = rest.position();
                if (keep) {
                    into[count++] = length < 0 ? null : Arrays.copyOfRange(packed, start, start + length);
                }
                rest.position(start + Math.max(0, length));
            }
            return count;
        }
    }

    /** Which own headers stay beside added ones, and all names in their order. */
    private static final class Merged {

        private final boolean[] keeps;
        private final StringData[] names;

        Merged(StringData[] own, Added added) {
            keeps = new boolean[own.length];
            List<StringData> all = new ArrayList<>();
            for (int i = 0; i < own.length; i++) {
                keeps[i] = !added.replaces(own[i]);
                if (keeps[i]) {
                    all.add(own[i]);
                }
            }
            all.addAll(Arrays.asList(added.names));
            names = all.toArray(new StringData[0]);
        }
    }

    /** A map that is only read entry by entry, as the Kafka sink does. */
    private static final class Headers implements MapData {

        private final GenericArrayData names;
        private final GenericArrayData values;

        Headers(Object[] names, Object[] values) {
            this.names = new GenericArrayData(names);
            this.values = new GenericArrayData(values);
        }

        @Override
        public int size() {
            return names.size();
        }

        @Override
        public ArrayData keyArray() {
            return names;
        }

        @Override
        public ArrayData valueArray() {
            return values;
        }
    }
}
