package io.penstock.flink;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
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
 * <p>Python packs the added headers into one string (penstock/event.py, pack_headers) and leaves two blanks for what
 * it need not see: {@link #PLACE} stands for the record's coordinates, {@link #TIME} for its timestamp. Building the map
 * from SQL's own functions costs several times as much as the whole of Python's work (docs/adr/0006).
 */
public final class AddHeaders extends ScalarFunction {

    private static final byte ENTRY_SEPARATOR = 0x1e;
    private static final byte KEY_SEPARATOR = 0x1f;
    /** A value that is this one byte is replaced by {@code topic/partition/offset}. */
    private static final byte PLACE = 0x1a;
    /** A value that is this one byte is replaced by the timestamp in RFC 3339 form. */
    private static final byte TIME = 0x19;
    /** Most records share a handful of strings; dead letters do not, so what is kept is bounded. */
    private static final int MOST_KEPT = 1024;

    private static final DateTimeFormatter SECONDS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.");
    /** After the year 9999, which RFC 3339 cannot write, and before the year 0. */
    private static final long TOO_LATE = Instant.parse("+10000-01-01T00:00:00Z").getEpochSecond();
    private static final long TOO_EARLY = Instant.parse("0000-01-01T00:00:00Z").getEpochSecond();

    private transient Map<StringData, Added> kept;
    private transient Own lastOwn;
    private transient StringData lastTopic;
    private transient String topicText;
    private transient long lastSecond;
    private transient byte[] secondText;

    @Override
    public void open(FunctionContext context) {
        kept = new HashMap<>();
        lastOwn = null;
        lastTopic = null;
        lastSecond = Long.MIN_VALUE;
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
        byte[] place = added.hasPlace ? place(topic, partition, offset) : null;
        byte[] time = added.hasTime ? time(timestamp.getMillisecond()) : null;
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

    /** Neighbours in a stream share their second, so only the milliseconds are written anew. */
    private byte[] time(long millis) {
        long second = Math.floorDiv(millis, 1000L);
        if (second != lastSecond) {
            boolean writable = second >= TOO_EARLY && second < TOO_LATE;
            secondText = writable ? SECONDS.format(LocalDateTime.ofEpochSecond(second, 0, ZoneOffset.UTC)).getBytes(StandardCharsets.US_ASCII) : null;
            lastSecond = second;
        }
        if (secondText == null) {
            return null;
        }
        int rest = (int) (millis - second * 1000L);
        byte[] text = Arrays.copyOf(secondText, secondText.length + 4);
        text[secondText.length] = (byte) ('0' + rest / 100);
        text[secondText.length + 1] = (byte) ('0' + rest / 10 % 10);
        text[secondText.length + 2] = (byte) ('0' + rest % 10);
        text[secondText.length + 3] = 'Z';
        return text;
    }

    private Added keep(StringData packed) {
        StringData copy = ((BinaryStringData) packed).copy();
        Added added = Added.unpack(copy.toBytes());
        if (kept.size() >= MOST_KEPT) {
            kept.clear();
        }
        kept.put(copy, added);
        return added;
    }

    /** Added headers, unpacked. */
    private static final class Added {

        static final Added NOTHING = new Added(List.of(), List.of());

        private final StringData[] names;
        private final byte[][] values;
        private final byte[] blanks;
        private boolean hasPlace;
        private boolean hasTime;

        private Added(List<StringData> names, List<byte[]> values) {
            this.names = names.toArray(new StringData[0]);
            this.values = values.toArray(new byte[0][]);
            this.blanks = new byte[this.names.length];
            for (int i = 0; i < blanks.length; i++) {
                byte[] value = this.values[i];
                if (value.length == 1 && (value[0] == PLACE || value[0] == TIME)) {
                    blanks[i] = value[0];
                    hasPlace |= value[0] == PLACE;
                    hasTime |= value[0] == TIME;
                }
            }
        }

        static Added unpack(byte[] packed) {
            List<StringData> names = new ArrayList<>();
            List<byte[]> values = new ArrayList<>();
            int start = 0;
            while (start < packed.length) {
                int end = find(packed, ENTRY_SEPARATOR, start, packed.length);
                int middle = find(packed, KEY_SEPARATOR, start, end);
                // A name that was turned into a Java string once stays one: the sink asks for it every time.
                names.add(StringData.fromString(new String(packed, start, middle - start, StandardCharsets.UTF_8)));
                values.add(Arrays.copyOfRange(packed, Math.min(middle + 1, end), end));
                start = end + 1;
            }
            return new Added(names, values);
        }

        /** Returns the values with the blanks filled in; a new array where there are any. */
        Object[] filled(byte[] place, byte[] time) {
            if (!hasPlace && !hasTime) {
                return values;
            }
            Object[] texts = Arrays.copyOf(values, values.length, Object[].class);
            for (int i = 0; i < blanks.length; i++) {
                if (blanks[i] != 0) {
                    texts[i] = blanks[i] == PLACE ? place : time;
                }
            }
            return texts;
        }

        boolean replaces(StringData name) {
            for (StringData mine : names) {
                if (mine.equals(name)) {
                    return true;
                }
            }
            return false;
        }

        private static int find(byte[] bytes, byte wanted, int from, int to) {
            int at = from;
            while (at < to && bytes[at] != wanted) {
                at++;
            }
            return at;
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
