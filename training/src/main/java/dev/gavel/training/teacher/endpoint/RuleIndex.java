package dev.gavel.training.teacher.endpoint;

import dev.gavel.training.data.NamedText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.ByteBuffersDirectory;

/**
 * Atomic rules, found by the words of a pair (BM25 over text and category). Rules of the category
 * {@code general} go with every pair. Thread-safe.
 */
public final class RuleIndex implements AutoCloseable {
  /** The category of rules that go with every pair. */
  public static final String GENERAL = "general";

  private static final String TEXT = "text";

  /** The query says what the pair is about; the title has many words beside. */
  private static final float QUERY_BOOST = 2;

  /** Longer titles are cut, so that a search stays below Lucene's limit of clauses. */
  private static final int TITLE_TERMS = 200;

  private final Analyzer analyzer = new EnglishAnalyzer();
  private final ByteBuffersDirectory directory = new ByteBuffersDirectory();
  private final List<NamedText> general;
  private final List<NamedText> special;
  private final DirectoryReader reader;

  public RuleIndex(List<NamedText> rules) {
    this.general = rules.stream().filter(RuleIndex::isGeneral).toList();
    this.special = rules.stream().filter(rule -> !isGeneral(rule)).toList();
    try {
      try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(analyzer))) {
        for (NamedText rule : special) {
          Document document = new Document();
          document.add(new TextField(TEXT, rule.category() + "\n" + rule.text(), Field.Store.NO));
          writer.addDocument(document);
        }
        writer.forceMerge(1); // documents keep the order of the rules
      }
      reader = DirectoryReader.open(directory);
    } catch (IOException e) {
      throw new UncheckedIOException("an index in memory", e);
    }
  }

  private static boolean isGeneral(NamedText rule) {
    return rule.category().equalsIgnoreCase(GENERAL);
  }

  /**
   * The general rules in their order, then those that share words with the pair, best first; equals
   * in the rules' order.
   *
   * @param most of the latter
   */
  public List<NamedText> find(String query, String title, int most) {
    List<NamedText> out = new ArrayList<>(general);
    Query words = words(query, title);
    if (most > 0 && !special.isEmpty()) {
      try {
        for (ScoreDoc hit : new IndexSearcher(reader).search(words, most).scoreDocs) {
          out.add(special.get(hit.doc));
        }
      } catch (IOException e) {
        throw new UncheckedIOException("an index in memory", e);
      }
    }
    return out;
  }

  private Query words(String query, String title) {
    BooleanQuery.Builder any = new BooleanQuery.Builder();
    terms(query).stream()
        .limit(TITLE_TERMS)
        .map(term -> new BoostQuery(new TermQuery(new Term(TEXT, term)), QUERY_BOOST))
        .forEach(each -> any.add(each, BooleanClause.Occur.SHOULD));
    terms(title).stream()
        .limit(TITLE_TERMS)
        .map(term -> new TermQuery(new Term(TEXT, term)))
        .forEach(each -> any.add(each, BooleanClause.Occur.SHOULD));
    return any.build();
  }

  private Set<String> terms(String text) {
    Set<String> out = new LinkedHashSet<>();
    try (TokenStream stream = analyzer.tokenStream(TEXT, text)) {
      CharTermAttribute term = stream.addAttribute(CharTermAttribute.class);
      stream.reset();
      while (stream.incrementToken()) {
        out.add(term.toString());
      }
      stream.end();
    } catch (IOException e) {
      throw new UncheckedIOException("words of a text in memory", e);
    }
    return out;
  }

  @Override
  public void close() {
    try {
      reader.close();
      directory.close();
      analyzer.close();
    } catch (IOException e) {
      throw new UncheckedIOException("an index in memory", e);
    }
  }
}
